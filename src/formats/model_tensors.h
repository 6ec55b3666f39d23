#pragma once
// All tensors of a model by their names in Hugging Face folders and in GGUF files.
// Reference: the tensor maps of gguf-py and convert_hf_to_gguf.py.

#include <cstdint>
#include <string>
#include <vector>

#include "formats/model_config.h"

namespace iteralign {

struct ModelTensor {
  std::string gguf_name, name;
  std::vector<std::int64_t> shape;  // PyTorch's order
  // > 0: q or k with so many heads, whose rows some architectures of llama.cpp keep in another order. They turn
  // neighbouring rows of a head as pairs (2j, 2j + 1), Hugging Face the halves of a head (j, j + d/2).
  std::int64_t rotated_heads = 0;
  bool adds_one = false;  // a norm that multiplies by 1 + weight, which GGUF files keep as that sum
};

// What a module of this layer is called: "model.layers.0.".
std::string layer_prefix(std::int64_t layer);

// In the order of the forward pass; without lm_head where it is the embedding.
std::vector<ModelTensor> model_tensors(const ModelConfig& config);

// Which row of the GGUF tensor is row `row` of Hugging Face's, for a head of `head_rows` rows; and the other way round.
std::size_t gguf_row(std::size_t row, std::size_t head_rows);
std::size_t row_of_gguf(std::size_t gguf_row, std::size_t head_rows);

// A matrix with its rows in the order of GGUF files.
std::vector<float> gguf_rows(const std::vector<float>& values, std::size_t rows, std::size_t heads);

}  // namespace iteralign
