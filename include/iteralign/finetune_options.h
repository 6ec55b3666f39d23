#pragma once
// The hyperparameters of a training.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "iteralign/enum_names.h"

namespace iteralign {

enum class FinetuneMethod { lora, full, none };  // none: of a run that trains nothing, not for a training
// sft: the completions are learnt. dpo: they are preferred to the rejected ones (Rafailov et al. 2023), measured from the weights
// that the training begins with; examples without a rejected one are left out. sft_dpo: the sum of both.
enum class FinetuneObjective { sft, dpo, sft_dpo };
// As transformers' get_scheduler has them.
enum class LrScheduler { cosine, linear, constant, constant_with_warmup };

template <>
inline constexpr std::array<const char*, 3> kNames<FinetuneMethod> = {"lora", "full", "none"};
template <>
inline constexpr std::array<const char*, 3> kNames<FinetuneObjective> = {"sft", "dpo", "sft+dpo"};
template <>
inline constexpr std::array<const char*, 4> kNames<LrScheduler> = {"cosine", "linear", "constant", "constant_with_warmup"};

// Names and defaults as in Hugging Face's TrainingArguments, PEFT and TRL; limits: config/limits.h.
struct FinetuneOptions {
  FinetuneMethod method = FinetuneMethod::lora;
  FinetuneObjective objective = FinetuneObjective::sft;
  double dpo_beta = 0.1;  // how much a preference may move the weights away: the smaller, the more
  double learning_rate = 2e-4;
  double num_train_epochs = 3;
  int max_steps = 0;  // > 0 overrides the epochs
  int per_device_train_batch_size = 8;
  int gradient_accumulation_steps = 1;
  LrScheduler lr_scheduler_type = LrScheduler::cosine;
  double warmup_ratio = 0.03;
  double weight_decay = 0.0;
  double adam_beta1 = 0.9, adam_beta2 = 0.999, adam_epsilon = 1e-8;
  double max_grad_norm = 1.0;
  int max_length = 1024;        // tokens; longer examples are cut at the end
  bool learn_thoughts = false;  // else what a completion begins with as its thought is context, and no target
  bool packing = false;         // a batch has rows of up to max_length tokens with several examples each, which do not see each other
  bool gradient_checkpointing = false;
  std::uint64_t seed = 42;
  int save_steps = 50;  // so often a training that has a folder for it keeps its state (model/finetune.h); 0: never
  int lora_r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0.0;
  bool use_rslora = false;  // scale alpha / sqrt(r) in place of alpha / r
  std::vector<std::string> lora_target_modules = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  std::vector<std::string> modules_to_save = {};  // trained and saved whole beside LoRA: embed_tokens, lm_head, norms
};

}  // namespace iteralign
