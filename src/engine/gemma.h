#pragma once
// Gemma 2 and Gemma 3 (text).

#include <vector>

#include "engine/model.h"

namespace iteralign {

class Gemma : public Model {
 public:
  Gemma(std::shared_ptr<const Checkpoint> checkpoint, const ModelConfig& config, at::ScalarType dtype, at::Device device);

 protected:
  [[nodiscard]] at::Tensor layer(std::size_t index, const at::Tensor& x, AttentionContext& context,
                                 const Rotation& rotation) const override;
  [[nodiscard]] std::vector<Linear*> layer_linears() override;
  [[nodiscard]] std::vector<NamedParameter> layer_parameters() override;

 private:
  struct Block {
    std::string name;  // "model.layers.0."
    at::Tensor input_norm, post_attention_norm, pre_feedforward_norm, post_feedforward_norm;
    at::Tensor q_norm, k_norm;  // [head_dim]; undefined in Gemma 2
    std::unique_ptr<Linear> qkv, o, gate_up, down;
  };
  std::vector<Block> blocks_;
};

}  // namespace iteralign
