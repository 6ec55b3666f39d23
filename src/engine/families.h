#pragma once
// The families: what each adds to Model stands in the file of its name.

#include "engine/model.h"

namespace iteralign {

// Llama 1 to 3, Mistral, SmolLM2, SmolLM3.
class Llama : public Model {
 public:
  using Model::Model;

 protected:
  [[nodiscard]] Block load_block(const std::string& name) const override;
  [[nodiscard]] at::Tensor layer(std::size_t, const at::Tensor&, AttentionContext&, const Rotation&) const override;
};

// Phi-3 and Phi-4-mini.
class Phi : public Llama {
 public:
  using Llama::Llama;

 protected:
  [[nodiscard]] Block load_block(const std::string& name) const override;
};

// Qwen2, Qwen2.5 and Qwen3.
class Qwen : public Model {
 public:
  using Model::Model;

 protected:
  [[nodiscard]] Block load_block(const std::string& name) const override;
  [[nodiscard]] at::Tensor layer(std::size_t, const at::Tensor&, AttentionContext&, const Rotation&) const override;
};

// Gemma 2 and Gemma 3 (text).
class Gemma : public Model {
 public:
  using Model::Model;

 protected:
  [[nodiscard]] Block load_block(const std::string& name) const override;
  [[nodiscard]] at::Tensor layer(std::size_t, const at::Tensor&, AttentionContext&, const Rotation&) const override;
};

// OLMo 2.
class Olmo : public Model {
 public:
  using Model::Model;

 protected:
  [[nodiscard]] Block load_block(const std::string& name) const override;
  [[nodiscard]] at::Tensor layer(std::size_t, const at::Tensor&, AttentionContext&, const Rotation&) const override;
};

}  // namespace iteralign
