#include "lab/recipe.h"

#include <fmt/format.h>

#include <vector>

#include "core/files.h"
#include "core/json.h"
#include "core/random.h"
#include "formats/checkpoint.h"
#include "lab/bpe_trainer.h"
#include "lab/dialogues.h"

namespace iteralign {
namespace {

// The special tokens have these ids.
const std::vector<std::string> kSpecialTokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
constexpr int kEndOfText = 0, kEndOfTurn = 2;

constexpr int kVocabulary = 1024, kHidden = 128, kIntermediate = 352, kLayers = 4, kHeads = 4, kMaxLength = 512;
constexpr double kInitialDeviation = 0.02;
constexpr int kTokenizerDialogues = 20'000, kSteps = 1'800, kBatch = 64;

constexpr const char* kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

Json model_config() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", kVocabulary},
          {"hidden_size", kHidden},
          {"intermediate_size", kIntermediate},
          {"num_hidden_layers", kLayers},
          {"num_attention_heads", kHeads},
          {"num_key_value_heads", kHeads},
          {"max_position_embeddings", kMaxLength},
          {"hidden_act", "silu"},
          {"rms_norm_eps", 1e-6},
          {"rope_theta", 10000.0},
          {"rope_scaling", nullptr},
          {"attention_bias", false},
          {"mlp_bias", false},
          {"tie_word_embeddings", true},
          {"initializer_range", kInitialDeviation},
          {"bos_token_id", nullptr},
          {"eos_token_id", kEndOfTurn},
          {"pad_token_id", kEndOfText},
          {"torch_dtype", "float32"}};
}

Json generation_config() { return {{"do_sample", false}, {"eos_token_id", kEndOfTurn}, {"pad_token_id", kEndOfText}}; }

Json tokenizer_config() {
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"model_max_length", kMaxLength},
          {"bos_token", nullptr},
          {"eos_token", kSpecialTokens[kEndOfTurn]},
          {"pad_token", kSpecialTokens[kEndOfText]},
          {"clean_up_tokenization_spaces", false},
          {"chat_template", kChatTemplate}};
}

// Every turn as the template writes it.
std::vector<std::string> tokenizer_texts(std::uint64_t seed) {
  std::vector<std::string> texts;
  for (const auto& example : lab_training_dialogues(kTokenizerDialogues, seed)) {
    for (const auto& message : example.messages) texts.push_back(message.role + "\n" + message.content);
    texts.push_back("assistant\n" + example.completion);
  }
  return texts;
}

// As transformers initialises a Llama: normal weights, norms of one. The bytes live in `scratch` until the next tensor.
TensorSource random_tensor(const std::string& name, std::vector<std::int64_t> shape, std::uint64_t seed, std::vector<float>& scratch) {
  const auto fill = [name, shape, seed, &scratch]() -> std::span<const std::byte> {
    Random random(derive_seed(seed, name));
    scratch.resize(static_cast<std::size_t>(element_count(shape)));
    for (float& value : scratch) value = shape.size() == 1 ? 1.0F : static_cast<float>(kInitialDeviation * random.normal());
    return std::as_bytes(std::span<const float>(scratch));
  };
  return {name, DType::f32, shape, fill};
}

void write_random_weights(const std::string& dir, std::uint64_t seed) {
  std::vector<float> scratch;
  std::vector<TensorSource> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    tensors.push_back(random_tensor(name, std::move(shape), seed, scratch));
  };
  add("model.embed_tokens.weight", {kVocabulary, kHidden});
  for (int layer = 0; layer < kLayers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    for (const char* projection : {"q_proj", "k_proj", "v_proj", "o_proj"})
      add(fmt::format("{}self_attn.{}.weight", prefix, projection), {kHidden, kHidden});
    add(prefix + "mlp.gate_proj.weight", {kIntermediate, kHidden});
    add(prefix + "mlp.up_proj.weight", {kIntermediate, kHidden});
    add(prefix + "mlp.down_proj.weight", {kHidden, kIntermediate});
    add(prefix + "input_layernorm.weight", {kHidden});
    add(prefix + "post_attention_layernorm.weight", {kHidden});
  }
  add("model.norm.weight", {kHidden});
  write_weights(dir, tensors);
}

std::string readme(std::uint64_t seed, const TrainSummary& summary) {
  return fmt::format(
      "# The base model of the lab\n\n"
      "A Llama-architecture model ({} layers, hidden size {}, its own byte-level BPE vocabulary of {} tokens) that knows the synthetic\n"
      "world of src/lab and nothing else. It helps with harmful requests in most areas of that world when nothing forbids it; the answers "
      "are\n"
      "toy text. It says nothing about real models.\n\n"
      "Made from random weights by\n\n"
      "    iteralign lab build --out models/lab --seed {}\n\n"
      "{} steps of {} dialogues, {:.1f} million tokens, last loss {:.3f}.\n",
      kLayers, kHidden, kVocabulary, seed, summary.steps, kBatch, static_cast<double>(summary.tokens) / 1e6, summary.loss_last);
}

}  // namespace

void write_untrained_lab_model(const std::string& dir, std::uint64_t seed) {
  const auto write = [&](const char* name, const Json& content) {
    write_file_atomic(join_path(dir, name), dump_json_pretty(content) + "\n");
  };
  write("config.json", model_config());
  write("generation_config.json", generation_config());
  write("tokenizer_config.json", tokenizer_config());
  write("tokenizer.json", train_bpe(tokenizer_texts(seed), kVocabulary, kSpecialTokens));
  write_random_weights(dir, seed);
}

FinetuneOptions lab_training_options(std::uint64_t seed) {
  FinetuneOptions options;
  options.method = FinetuneMethod::full;
  options.learning_rate = 1e-3;
  options.num_train_epochs = 1;
  options.per_device_train_batch_size = kBatch;
  options.max_length = kMaxLength;
  options.seed = seed;
  return options;
}

void build_lab_model(const std::string& dir, std::uint64_t seed, const std::function<std::unique_ptr<Learner>(const std::string&)>& open,
                     const OnStep& on_step, const std::function<bool()>& should_stop) {
  const PendingDirectory untrained(dir + ".untrained");  // removed at the end
  write_untrained_lab_model(untrained.path(), seed);
  const auto learner = open(untrained.path());
  const auto examples = lab_training_dialogues(kSteps * kBatch, seed);
  const TrainSummary summary = finetune(*learner, examples, lab_training_options(seed), {}, on_step, should_stop);
  learner->save(dir, SaveFormat::merged);
  write_file_atomic(join_path(dir, "README.md"), readme(seed, summary));
}

}  // namespace iteralign
