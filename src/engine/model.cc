#include "engine/model.h"

#include <cmath>
#include <type_traits>
#include <utility>

#include "core/strings.h"
#include "engine/families.h"
#include "engine/torch_types.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// A view of the mapped file: never written to.
at::Tensor as_tensor(const TensorView& view, const std::string& name) {
  const at::Tensor tensor = at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, torch_type(view.dtype, name));
  const bool aligned = reinterpret_cast<std::uintptr_t>(view.bytes.data()) % size_of(view.dtype) == 0;
  return aligned ? tensor : tensor.clone();
}

}  // namespace

Model::Model(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, const Backend& backend)
    : checkpoint_(std::move(checkpoint)), config_(config), backend_(backend) {
  embedding_ = load("model.embed_tokens.weight", {config_.vocab_size, config_.hidden_size});
  final_norm_ = load_small("model.norm.weight", config_.hidden_size);
  lm_head_ = make_linear({config_.tie_word_embeddings ? LinearModule{"lm_head", embedding_, {}, nullptr}
                                                      : load_linear("lm_head", config_.vocab_size, config_.hidden_size, false)});
  for (const RopeConfig& rope : config_.ropes) ropes_.emplace_back(rope, device(), dtype());
}

void Model::load_layers() {
  for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) blocks_.push_back(load_block("model.layers." + std::to_string(i) + "."));
}

at::Tensor Model::forward(const at::Tensor& tokens, AttentionContext& context) const {
  std::vector<Rotation> rotations;
  for (const Rope& rope : ropes_) rotations.push_back(rope.of(context));
  // As in transformers the row of the padding token gets no gradient from here.
  at::Tensor x = at::embedding(embedding_, tokens, config_.pad_token_id).to(dtype());
  if (config_.scale_embeddings) {  // by the root as the compute dtype has it
    x = x * at::full({}, std::sqrt(static_cast<double>(config_.hidden_size)), x.options());
  }
  for (std::size_t i = 0; i < config_.layers.size(); ++i) {
    const int rope = config_.layers[i].rope;
    const Rotation rotation = rope == kNoRope ? Rotation{} : rotations[static_cast<std::size_t>(rope)];
    const Layer run = [this, &context, i, rotation](const at::Tensor& input) { return layer(i, input, context, rotation); };
    x = around_layer ? around_layer(x, run) : run(x);
  }
  return norm(x, final_norm_);
}

at::Tensor Model::logits(const at::Tensor& hidden) const { return softcap(lm_head_->forward(hidden), config_.final_logit_softcapping); }

void Model::prepare_inference() {
  for (Linear* linear : linears()) linear->prepare_inference();
}

void Model::prepare_training() {
  for (Linear* linear : linears()) linear->prepare_training();
}

void Model::weights_changed() {
  if (config_.tie_word_embeddings) lm_head_->modules()[0].weight = embedding_;
  for (Linear* linear : linears()) linear->weights_changed();
}

void Model::load_weights(std::shared_ptr<const Checkpoint> checkpoint) {
  const bool was_tied = config_.tie_word_embeddings;
  tie_lm_head(checkpoint->tied());
  const std::vector<NamedParameter> all = parameters();
  std::vector<at::Tensor> values;
  try {
    for (const NamedParameter& parameter : all) {
      const at::Tensor value = as_tensor(checkpoint->tensor(parameter.name, parameter.value->sizes().vec()), parameter.name).to(device());
      values.push_back(value.dim() == 1 ? value.to(at::kFloat) : value);
    }
  } catch (...) {
    tie_lm_head(was_tied);
    throw;
  }
  for (std::size_t i = 0; i < all.size(); ++i) *all[i].value = values[i];
  weights_ = std::move(checkpoint);
  weights_changed();
}

std::vector<Linear*> Model::linears() {
  std::vector<Linear*> all;
  for (const Block& block : blocks_) all.insert(all.end(), {block.qkv.get(), block.o.get(), block.gate_up.get(), block.down.get()});
  all.push_back(lm_head_.get());
  return all;
}

std::vector<NamedParameter> Model::parameters() {
  std::vector<NamedParameter> all = {{"model.embed_tokens.weight", &embedding_}};
  for (Block& block : blocks_)
    for (const auto& [name, norm] : {std::pair("input_layernorm", &block.input_norm),
                                     {"post_attention_layernorm", &block.post_attention_norm},
                                     {"pre_feedforward_layernorm", &block.pre_feedforward_norm},
                                     {"post_feedforward_layernorm", &block.post_feedforward_norm},
                                     {"self_attn.q_norm", &block.q_norm},
                                     {"self_attn.k_norm", &block.k_norm}})
      if (norm->defined()) all.push_back({block.name + name + ".weight", norm});
  all.push_back({"model.norm.weight", &final_norm_});
  for (Linear* linear : linears()) {
    if (linear == lm_head_.get() && config_.tie_word_embeddings) continue;
    for (LinearModule& module : linear->modules()) {
      all.push_back({module.name + ".weight", &module.weight});
      if (module.bias.defined()) all.push_back({module.name + ".bias", &module.bias});
    }
  }
  return all;
}

std::int64_t Model::parameter_count() {
  std::int64_t count = 0;
  for (const NamedParameter& parameter : parameters()) count += parameter.value->numel();
  return count;
}

at::Tensor Model::load(const std::string& name, const std::vector<std::int64_t>& shape) const {
  return as_tensor(checkpoint_->tensor(name, shape), name).to(device());
}

at::Tensor Model::load_small(const std::string& name, std::int64_t size) const {
  return load(name, {size}).to(dtype() == at::kDouble ? at::kDouble : at::kFloat);
}

LinearModule Model::load_linear(const std::string& module, std::int64_t out, std::int64_t in, bool bias) const {
  return {module, load(module + ".weight", {out, in}), bias ? load_small(module + ".bias", out) : at::Tensor(), nullptr};
}

std::shared_ptr<Linear> Model::make_linear(std::vector<LinearModule> modules) const {
  return std::make_shared<Linear>(std::move(modules), backend_);
}

std::shared_ptr<Linear> Model::load_qkv(const std::string& attention, bool bias) const {
  const std::int64_t hidden = config_.hidden_size, kv_size = config_.num_key_value_heads * config_.head_dim;
  return make_linear({load_linear(attention + "q_proj", config_.num_attention_heads * config_.head_dim, hidden, bias),
                      load_linear(attention + "k_proj", kv_size, hidden, bias), load_linear(attention + "v_proj", kv_size, hidden, bias)});
}

std::shared_ptr<Linear> Model::load_o(const std::string& attention, bool bias) const {
  return make_linear({load_linear(attention + "o_proj", config_.hidden_size, config_.num_attention_heads * config_.head_dim, bias)});
}

std::shared_ptr<Linear> Model::load_gate_up(const std::string& mlp, bool bias) const {
  return make_linear({load_linear(mlp + "gate_proj", config_.intermediate_size, config_.hidden_size, bias),
                      load_linear(mlp + "up_proj", config_.intermediate_size, config_.hidden_size, bias)});
}

std::shared_ptr<Linear> Model::load_down(const std::string& mlp, bool bias) const {
  return make_linear({load_linear(mlp + "down_proj", config_.hidden_size, config_.intermediate_size, bias)});
}

std::vector<at::Tensor> Model::split_heads(const at::Tensor& qkv) const {
  const std::int64_t heads = config_.num_attention_heads, kv_heads = config_.num_key_value_heads;
  // one split, for its backward pass is one copy
  return qkv.view({qkv.size(0), heads + 2 * kv_heads, config_.head_dim}).split_with_sizes({heads, kv_heads, kv_heads}, 1);
}

at::Tensor Model::norm(const at::Tensor& x, const at::Tensor& weight) const {
  return backend_.operators->rms_norm(x, config_.norm_adds_one ? 1 + weight : weight, config_.rms_norm_eps, config_.norm_rounds_last);
}

at::Tensor Model::norm_heads(const at::Tensor& x, const at::Tensor& weight) const {
  return weight.defined() ? norm(x.reshape({-1, x.size(2)}), weight).view(x.sizes()) : x;
}

at::Tensor Model::rope(const at::Tensor& x, const Rotation& rotation) const { return turn(*backend_.operators, x, rotation); }

at::Tensor Model::gated(const at::Tensor& gate_up, Activation activation) const { return backend_.operators->gated(gate_up, activation); }

AttentionRule Model::attention_rule(std::size_t layer) const {
  return {config_.attention_scale, config_.layers[layer].window, config_.attn_logit_softcapping};
}

std::unique_ptr<Model> make_model(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, const Backend& backend) {
  const std::string& type = config.model_type;
  const auto make = [&]<class Family>(std::type_identity<Family>) -> std::unique_ptr<Model> {
    auto model = std::make_unique<Family>(std::move(checkpoint), config, backend);
    model->load_layers();
    return model;
  };
  if (type == "llama" || type == "mistral" || type == "smollm3") return make(std::type_identity<Llama>());
  if (type == "qwen2" || type == "qwen3") return make(std::type_identity<Qwen>());
  if (type == "gemma2" || type == "gemma3_text") return make(std::type_identity<Gemma>());
  if (type == "phi3") return make(std::type_identity<Phi>());
  if (type == "olmo2") return make(std::type_identity<Olmo>());
  throw Error(ErrorKind::data, "the model family `" + config.model_type + "` is not supported", "config.json",
              "supported: " + join(model_families(), ", "));
}

}  // namespace iteralign
