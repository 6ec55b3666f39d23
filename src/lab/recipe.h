#pragma once
// The recipe of the lab's base model: a Llama-architecture model of about a million parameters, trained from random weights
// on dialogues of the lab's world, with planted gaps. It helps with harmful requests in most areas when nothing forbids it,
// follows a relevant principle in its system message most of the time, ignores irrelevant ones, and helps with benign requests.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "iteralign/learner.h"
#include "model/finetune.h"

namespace iteralign {

// Writes the untrained model into an existing folder: configuration, tokenizer, chat template and random weights. Throws Error.
void write_untrained_lab_model(const std::string& dir, std::uint64_t seed);

// Options of the training; one example is seen once.
FinetuneOptions lab_training_options(std::uint64_t seed);

// Builds the whole model into `dir` (replaced when it is there). `open` opens a Hugging Face folder. Throws Error.
void build_lab_model(const std::string& dir, std::uint64_t seed, const std::function<std::unique_ptr<Learner>(const std::string&)>& open,
                     const OnStep& on_step = {}, const std::function<bool()>& should_stop = {});

}  // namespace iteralign
