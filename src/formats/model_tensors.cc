#include "formats/model_tensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/families/families.h"

namespace iteralign {

std::string layer_prefix(std::int64_t layer) { return fmt::format("model.layers.{}.", layer); }

std::vector<ModelTensor> model_tensors(const ModelConfig& config) {
  std::vector<ModelTensor> all = {{"token_embd.weight", "model.embed_tokens.weight", {config.vocab_size, config.hidden_size}}};
  const BlockModules modules = config.family->modules(config);
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    for (const BlockModule& module : modules) {
      const std::string gguf_name = fmt::format("blk.{}.{}", layer, module.gguf_name), name = layer_prefix(layer) + module.name;
      const bool adds_one = is_norm(module.role) && config.norm_adds_one;
      all.push_back({gguf_name + ".weight", name + ".weight", module.shape, module.rotated_heads, adds_one});
      if (module.bias) all.push_back({gguf_name + ".bias", name + ".bias", {module.shape[0]}, module.rotated_heads});
    }
  }
  all.push_back({"output_norm.weight", "model.norm.weight", {config.hidden_size}, 0, config.norm_adds_one});
  if (!config.tie_word_embeddings) all.push_back({"output.weight", "lm_head.weight", {config.vocab_size, config.hidden_size}});
  return all;
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
