#pragma once
// The recipe of the lab's base model: a Llama-architecture model of about a million parameters, trained from random weights
// on dialogues of the lab's world, with planted gaps. It helps with harmful requests in most areas when nothing forbids it,
// follows a relevant principle in its system message most of the time, ignores irrelevant ones, and helps with benign requests.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "iteralign/base_model.h"

namespace iteralign {

// `count` dialogues of the base part of the world; the same for the same seed.
std::vector<TrainExample> lab_training_dialogues(int count, std::uint64_t seed);

// Writes the untrained model: config, generation config, tokenizer and random weights. Throws Error.
void write_untrained_lab_model(const std::string& dir, std::uint64_t seed);

// Options of the training.
FinetuneOptions lab_training_options(std::uint64_t seed);

// Builds the whole model into `dir` (replaced when it is there). `open` opens a Hugging Face folder.
void build_lab_model(const std::string& dir, std::uint64_t seed, const std::function<std::unique_ptr<BaseModel>(const std::string&)>& open,
                     const BaseModel::OnStep& on_step = {}, const std::function<bool()>& should_stop = {});

}  // namespace iteralign
