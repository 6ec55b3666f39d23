#pragma once
// What the model families share. A family (families.h) is one file that adds what its layers hold and compute.

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/attention.h"
#include "engine/linear.h"
#include "engine/operators/operators.h"
#include "engine/rope.h"
#include "formats/checkpoint.h"
#include "formats/model_config.h"

namespace iteralign {

// A weight by its name on disk. `value` may be replaced by a tensor of the same shape (an fp32 master, a trained value).
struct NamedParameter {
  std::string name;
  at::Tensor* value;
};

class Model {
 public:
  // Without layers: load_layers().
  Model(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, const Backend& backend);
  void load_layers();
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Token ids [n] int64 -> hidden states after the final norm [n, hidden_size], in the compute dtype.
  [[nodiscard]] at::Tensor forward(const at::Tensor& tokens, AttentionContext& context) const;
  // Hidden states [m, hidden_size] -> logits [m, vocab_size], in the compute dtype.
  [[nodiscard]] at::Tensor logits(const at::Tensor& hidden) const;

  // Runs around each layer while training: gradient checkpointing. Empty: the layer itself.
  using Layer = std::function<at::Tensor(const at::Tensor&)>;
  std::function<at::Tensor(const at::Tensor& x, const Layer& layer)> around_layer;

  // Makes ready what has changed since the last time; forward is then not differentiable.
  void prepare_inference();
  // For a forward that is differentiable in all that requires a gradient.
  void prepare_training();
  // After a weight or an adapter was replaced: drops what was prepared and ties lm_head to the embedding again.
  void weights_changed();

  // Whether lm_head is the embedding. Once it is not, it keeps the tensor that it has and is a parameter of its own.
  void tie_lm_head(bool tied) { config_.tie_word_embeddings = tied; }

  // The weights of another checkpoint of this shape, lm_head tied as it is there; Error data when one is missing or does not fit, and
  // nothing has changed.
  void load_weights(std::shared_ptr<const Checkpoint> checkpoint);

  // All linear layers in the order of the forward pass, lm_head last.
  [[nodiscard]] std::vector<Linear*> linears();
  [[nodiscard]] Linear& lm_head() { return *lm_head_; }
  // All weights, once each, linear modules' too (a tied lm_head is the embedding).
  [[nodiscard]] std::vector<NamedParameter> parameters();
  [[nodiscard]] std::int64_t parameter_count();  // without LoRA
  [[nodiscard]] std::int64_t longrope_border() const { return ropes_.front().border(); }

  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] const Checkpoint& checkpoint() const { return *checkpoint_; }
  [[nodiscard]] const Backend& backend() const { return backend_; }
  [[nodiscard]] at::ScalarType dtype() const { return backend_.dtype; }
  [[nodiscard]] at::Device device() const { return backend_.device; }

 protected:
  // The weights of a layer. Norms that the family has not are undefined.
  struct Block {
    std::string name;                                                                                             // "model.layers.0."
    at::Tensor input_norm = {}, post_attention_norm = {}, pre_feedforward_norm = {}, post_feedforward_norm = {};  // [hidden_size]
    at::Tensor q_norm = {}, k_norm = {};  // [head_dim], or [all heads * head_dim]
    std::shared_ptr<Linear> qkv, o, gate_up, down;
  };
  [[nodiscard]] const Block& block(std::size_t index) const { return blocks_[index]; }

  // Those of the layer of this name; Error data when one is missing or has another shape.
  [[nodiscard]] virtual Block load_block(const std::string& name) const = 0;
  // One layer: x [n, hidden_size] -> [n, hidden_size].
  [[nodiscard]] virtual at::Tensor layer(std::size_t index, const at::Tensor& x, AttentionContext& context,
                                         const Rotation& rotation) const = 0;

  // A tensor of the checkpoint; Error when it is missing or has another shape.
  [[nodiscard]] at::Tensor load(const std::string& name, const std::vector<std::int64_t>& shape) const;
  // A norm or a bias [size], in fp32 whatever the dtype.
  [[nodiscard]] at::Tensor load_small(const std::string& name, std::int64_t size) const;
  // `module`.weight and, if wanted, `module`.bias.
  [[nodiscard]] LinearModule load_linear(const std::string& module, std::int64_t out, std::int64_t in, bool bias) const;
  [[nodiscard]] std::shared_ptr<Linear> make_linear(std::vector<LinearModule> modules) const;
  // What nearly every family has, by the usual names: `attention`q_proj, k_proj and v_proj as one product, o_proj;
  // `mlp`gate_proj and up_proj as one, down_proj.
  [[nodiscard]] std::shared_ptr<Linear> load_qkv(const std::string& attention, bool bias) const;
  [[nodiscard]] std::shared_ptr<Linear> load_o(const std::string& attention, bool bias) const;
  [[nodiscard]] std::shared_ptr<Linear> load_gate_up(const std::string& mlp, bool bias) const;
  [[nodiscard]] std::shared_ptr<Linear> load_down(const std::string& mlp, bool bias) const;
  // q, k and v as load_qkv() computes them, head by head: [n, heads, head_dim] each.
  [[nodiscard]] std::vector<at::Tensor> split_heads(const at::Tensor& qkv) const;

  // The family's RMSNorm of rows, and of each head [n, heads, head_dim] (x itself where the weight is undefined).
  [[nodiscard]] at::Tensor norm(const at::Tensor& x, const at::Tensor& weight) const;
  [[nodiscard]] at::Tensor norm_heads(const at::Tensor& x, const at::Tensor& weight) const;
  // x: [n, heads, dim], turned.
  [[nodiscard]] at::Tensor rope(const at::Tensor& x, const Rotation& rotation) const;
  // activation(gate) * up. gate_up: [n, 2 * dim] -> [n, dim].
  [[nodiscard]] at::Tensor gated(const at::Tensor& gate_up, Activation activation) const;
  [[nodiscard]] AttentionRule attention_rule(std::size_t layer) const;

 private:
  std::shared_ptr<const Checkpoint> checkpoint_;
  std::shared_ptr<const Checkpoint> weights_;  // what load_weights() mapped
  ModelConfig config_;
  Backend backend_;
  std::vector<Block> blocks_;
  at::Tensor embedding_;   // [vocab_size, hidden_size]
  at::Tensor final_norm_;  // [hidden_size]
  std::shared_ptr<Linear> lm_head_;
  std::vector<Rope> ropes_;
};

// Opens the weights with the family that config.model_type names; Error data names a family that is not there yet.
std::unique_ptr<Model> make_model(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, const Backend& backend);

}  // namespace iteralign
