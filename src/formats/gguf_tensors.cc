#include "formats/gguf_tensors.h"

#include <fmt/format.h>

#include <algorithm>

namespace iteralign {
namespace {

// Collects the tensors of one model, block after block.
class Tensors {
 public:
  explicit Tensors(const ModelConfig& config)
      : config_(config), permuted_(gguf_architecture(config.model_type) == "llama" || config.model_type == "smollm3") {}

  void top(const char* gguf_name, const char* name, std::vector<std::int64_t> shape, bool norm = false) {
    all_.push_back({gguf_name, name, std::move(shape), 0, norm && config_.norm_adds_one});
  }
  void begin_block(std::int64_t index) {
    gguf_prefix_ = fmt::format("blk.{}.", index);
    prefix_ = fmt::format("model.layers.{}.", index);
  }
  void norm(const char* gguf_name, const char* name, std::int64_t size) {
    all_.push_back({gguf_prefix_ + gguf_name + ".weight", prefix_ + name + ".weight", {size}, 0, config_.norm_adds_one});
  }
  void linear(const char* gguf_name, const char* name, std::int64_t out, std::int64_t in, bool bias, std::int64_t rotated_heads = 0) {
    const std::int64_t rotated = permuted_ ? rotated_heads : 0;
    all_.push_back({gguf_prefix_ + gguf_name + ".weight", prefix_ + name + ".weight", {out, in}, rotated, false});
    if (bias) all_.push_back({gguf_prefix_ + gguf_name + ".bias", prefix_ + name + ".bias", {out}, rotated, false});
  }
  std::vector<GgufTensorName> take() { return std::move(all_); }

 private:
  const ModelConfig& config_;
  bool permuted_;
  std::string gguf_prefix_, prefix_;
  std::vector<GgufTensorName> all_;
};

// Which norms a block has, in the order of its forward pass.
void add_norms_around_attention(const ModelConfig& config, Tensors& tensors) {
  const std::int64_t hidden = config.hidden_size;
  const bool gemma = config.model_type.starts_with("gemma"), olmo = config.model_type == "olmo2";
  if (!olmo) tensors.norm("attn_norm", "input_layernorm", hidden);
  if (gemma || olmo) tensors.norm("post_attention_norm", "post_attention_layernorm", hidden);
  if (!olmo) tensors.norm("ffn_norm", gemma ? "pre_feedforward_layernorm" : "post_attention_layernorm", hidden);
  if (gemma || olmo) tensors.norm("post_ffw_norm", "post_feedforward_layernorm", hidden);
}

void add_attention(const ModelConfig& config, Tensors& tensors) {
  const std::string& type = config.model_type;
  const std::int64_t hidden = config.hidden_size, dim = config.head_dim;
  const std::int64_t heads = config.num_attention_heads, kv_heads = config.num_key_value_heads;
  const bool bias = config.attention_bias || type == "qwen2", output_bias = config.attention_bias && type != "qwen2";
  if (type == "phi3") {
    tensors.linear("attn_qkv", "self_attn.qkv_proj", (heads + 2 * kv_heads) * dim, hidden, false);
  } else {
    tensors.linear("attn_q", "self_attn.q_proj", heads * dim, hidden, bias, heads);
    tensors.linear("attn_k", "self_attn.k_proj", kv_heads * dim, hidden, bias, kv_heads);
    tensors.linear("attn_v", "self_attn.v_proj", kv_heads * dim, hidden, bias);
  }
  if (type == "qwen3" || type == "gemma3_text" || type == "olmo2") {
    const bool whole = type == "olmo2";  // over all heads together
    tensors.norm("attn_q_norm", "self_attn.q_norm", whole ? heads * dim : dim);
    tensors.norm("attn_k_norm", "self_attn.k_norm", whole ? kv_heads * dim : dim);
  }
  tensors.linear("attn_output", "self_attn.o_proj", hidden, heads * dim, output_bias);
}

void add_mlp(const ModelConfig& config, Tensors& tensors) {
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  if (config.model_type == "phi3") {
    tensors.linear("ffn_up", "mlp.gate_up_proj", 2 * inner, hidden, false);
  } else {
    tensors.linear("ffn_gate", "mlp.gate_proj", inner, hidden, config.mlp_bias);
    tensors.linear("ffn_up", "mlp.up_proj", inner, hidden, config.mlp_bias);
  }
  tensors.linear("ffn_down", "mlp.down_proj", hidden, inner, config.mlp_bias);
}

}  // namespace

std::string gguf_architecture(const std::string& model_type) {
  if (model_type == "mistral") return "llama";
  return model_type == "gemma3_text" ? "gemma3" : model_type;
}

std::vector<GgufTensorName> gguf_tensors(const ModelConfig& config) {
  Tensors tensors(config);
  tensors.top("token_embd.weight", "model.embed_tokens.weight", {config.vocab_size, config.hidden_size});
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    tensors.begin_block(i);
    add_norms_around_attention(config, tensors);
    add_attention(config, tensors);
    add_mlp(config, tensors);
  }
  tensors.top("output_norm.weight", "model.norm.weight", {config.hidden_size}, /*norm=*/true);
  if (!config.tie_word_embeddings) tensors.top("output.weight", "lm_head.weight", {config.vocab_size, config.hidden_size});
  return tensors.take();
}

std::size_t gguf_row(std::size_t row, std::size_t head_rows) {
  const std::size_t half = head_rows / 2, head = row / head_rows, in_head = row % head_rows;
  return head * head_rows + 2 * (in_head % half) + in_head / half;
}

std::size_t row_of_gguf(std::size_t row, std::size_t head_rows) {
  const std::size_t half = head_rows / 2, head = row / head_rows, in_head = row % head_rows;
  return head * head_rows + in_head % 2 * half + in_head / 2;
}

std::vector<float> gguf_rows(const std::vector<float>& values, std::size_t rows, std::size_t heads) {
  const std::size_t columns = values.size() / rows;
  std::vector<float> result(values.size());
  for (std::size_t row = 0; row < rows; ++row) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(row_of_gguf(row, rows / heads) * columns);
    std::copy_n(from, columns, result.begin() + static_cast<std::ptrdiff_t>(row * columns));
  }
  return result;
}

}  // namespace iteralign
