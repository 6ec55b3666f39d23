#pragma once
// The base model: generate, score, finetune, save. One of the two seams of the program.
// The weights live once, in one process: generation, scoring and training share them.
// Not thread safe: one call at a time. Callbacks run on the calling thread.
// Every method throws Error; running out of memory, a wrong shape or a missing tensor are ErrorKind::data.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "iteralign/enum_names.h"
#include "iteralign/finish_reason.h"
#include "iteralign/records.h"

namespace iteralign {

// Limits: config/limits.h.
struct Sampling {
  int max_new_tokens = 128;
  double temperature = 0.0;         // 0 (or below the smallest float): greedy
  double top_p = 1.0;               // [0, 1]
  int top_k = 0;                    // 0: off
  double min_p = 0.0;               // [0, 1]
  double typical_p = 1.0;           // (0, 1]; 1: off (Meister et al. 2022)
  double repetition_penalty = 1.0;  // over prompt and answer, as in transformers
  double frequency_penalty = 0.0;   // over the answer, as in the OpenAI API
  double presence_penalty = 0.0;
  std::vector<std::string> stop;  // strings; not part of the text
};

struct GenerateRequest {
  Messages messages;    // rendered with the model's chat template and a generation prompt ...
  std::string raw;      // ... unless `messages` is empty: then this text as it is, with the tokenizer's BOS rule
  std::string prefill;  // text that the assistant's turn starts with; not part of the answer
  Sampling sampling;
  std::uint64_t seed = 0;  // of this request alone: the answer does not depend on which others are in the batch
  bool logprobs = false;
};

struct Generation {
  std::string text;                  // the new text only, without stop string and special tokens
  std::vector<std::int32_t> tokens;  // the new tokens, with the end token if one was generated
  FinishReason finish_reason = FinishReason::stop;
  int prompt_tokens = 0;
  std::vector<double> logprobs;  // when asked for: of each token, by the model alone, before penalties and temperature
};

struct ScoreRequest {
  std::string context;                     // raw text, or what the assistant's turn begins with
  std::vector<std::string> continuations;  // encoded with the context; split at its length, with messages at the first token that differs
  Messages messages = {};                  // where there are some, rendered with the model's chat template before the context
};

struct Score {
  double loglikelihood = 0.0;                // sum over the continuation's tokens, natural logarithm
  std::vector<double> token_loglikelihoods;  // one a token
  bool greedy = false;                       // would greedy decoding have said it
};

struct TrainExample {
  Messages messages;  // the prompt: everything before the completion
  std::string completion;
  bool complete = true;       // false: the completion was cut by a length limit, so no end of turn is learnt from it
  int epoch = -1;             // trained on in this epoch alone (0, 1, ...); -1: in every one
  std::string rejected = {};  // a worse completion, for the objective dpo; empty: none
};

enum class FinetuneMethod { lora, full, none };  // none: of a run that trains nothing, not for finetune()
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
  int max_length = 1024;  // tokens; longer examples are cut at the end
  bool packing = false;   // a batch has rows of up to max_length tokens with several examples each, which do not see each other
  bool gradient_checkpointing = false;
  std::uint64_t seed = 42;
  // A folder in which the training keeps its state every `save_steps` steps (0: never), and from which it goes on when it is
  // there: the result is bit for bit that of an undisturbed training. Empty: none.
  std::string state_folder;
  int save_steps = 50;
  // A folder that gets what is trained after each epoch: <folder>/1, 2, ... as save() writes it. Empty: none.
  std::string epochs_folder = {};
  int lora_r = 16;
  double lora_alpha = 32;
  double lora_dropout = 0.0;
  bool use_rslora = false;  // scale alpha / sqrt(r) in place of alpha / r
  std::vector<std::string> lora_target_modules = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
  std::vector<std::string> modules_to_save = {};  // trained and saved whole beside LoRA: embed_tokens, lm_head, norms
};

struct TrainStep {
  int step = 0, max_steps = 0;  // step counts from 1
  double epoch = 0.0, loss = 0.0, grad_norm = 0.0, learning_rate = 0.0;
  std::int64_t num_tokens = 0;  // so far
};

enum class SaveFormat {
  merged,   // a Hugging Face folder with the adapter merged into the weights
  adapter,  // a PEFT folder; an Error when nothing was trained with LoRA
};

class BaseModel {
 public:
  virtual ~BaseModel() = default;

  // Answers in the order of the requests. `on_done(index, generation)` is called as each is finished.
  // `should_stop` is asked between steps; when it says true the unfinished ones are dropped and Error interrupted is thrown.
  using OnGenerated = std::function<void(std::size_t, const Generation&)>;
  virtual std::vector<Generation> generate(const std::vector<GenerateRequest>& requests, const OnGenerated& on_done = {},
                                           const std::function<bool()>& should_stop = {}) = 0;

  // One vector a request, one Score a continuation.
  virtual std::vector<std::vector<Score>> score(const std::vector<ScoreRequest>& requests) = 0;

  // Throws what finetune() would throw for these options whatever the examples, so that nothing is paid for that comes to nothing.
  virtual void check_finetune(const FinetuneOptions& options) = 0;

  // Trains the current weights on the completions (loss on completion and end-of-turn tokens only), fresh optimizer.
  // LoRA continues the adapter that is there when rank, alpha and targets are the same; else it is an Error.
  // When interrupted or failed, the weights are those from before.
  using OnStep = std::function<void(const TrainStep&)>;
  virtual TrainSummary finetune(const std::vector<TrainExample>& examples, const FinetuneOptions& options, const OnStep& on_step = {},
                                const std::function<bool()>& should_stop = {}) = 0;

  // Written into a temporary folder beside `dir` and renamed: it is there whole or not at all. Replaces `dir`.
  virtual void save(const std::string& dir, SaveFormat format) = 0;

  // Replaces the trained part of the weights: a PEFT folder (LoRA) or a Hugging Face folder (full); empty: back to the base model.
  virtual void load_trained(const std::string& dir) = 0;

  [[nodiscard]] virtual std::string description() const = 0;  // family, parameters, dtype, device; one line
  [[nodiscard]] virtual std::string dtype() const = 0;        // what it computes in: float32 or bfloat16
};

struct ModelOptions {
  std::string path;                 // Hugging Face folder, or org/name in the local Hugging Face cache
  std::string dtype = "auto";       // auto, float32, bfloat16
  std::string save_dtype = "auto";  // of merged weights: float32, float16, bfloat16; auto: each tensor as in the folder
  std::string device = "auto";      // auto, cpu, cuda
  std::string adapter;              // PEFT folder, or org/name in that cache, or empty
  std::string chat_template;        // file, or the name of a built-in format; empty: the model's own
  int batch_size = 20;              // sequences decoded at once
};

// Built with LibTorch only (src/engine/). Throws Error with ErrorKind::data for anything wrong with the folder.
std::unique_ptr<BaseModel> open_base_model(const ModelOptions& options);

}  // namespace iteralign
