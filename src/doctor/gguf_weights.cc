// The tensors of a GGUF file against those of a model folder.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "doctor/gguf_checks.h"
#include "formats/gguf_dequant.h"
#include "formats/model_tensors.h"
#include "formats/tensor_floats.h"

namespace iteralign {
namespace {

// In which order the file has the rows of a head.
enum class RowOrder { hugging_face, gguf };

double root_mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
}

// Of the differences, row by row; a part of the root mean square of `ours`.
double relative_difference(std::span<const float> ours, std::span<const float> theirs, std::size_t rows, std::size_t heads,
                           RowOrder order) {
  const std::size_t columns = ours.size() / rows;
  double sum = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t from = order == RowOrder::gguf ? gguf_row(row, rows / heads) : row;
    for (std::size_t i = 0; i < columns; ++i) {
      const double difference = static_cast<double>(ours[row * columns + i]) - theirs[from * columns + i];
      sum += difference * difference;
    }
  }
  const double size = root_mean_square(ours), apart = std::sqrt(sum / static_cast<double>(ours.size()));
  return size > 0 ? apart / size : apart > 0 ? 1 : 0;
}

// What is wrong with one tensor.
struct Comparison {
  bool misordered = false;  // its values are there, but the rows of each head stand in the other order
  bool differs = false;
  double difference = 0;
};

// Heads by which q and k may be permuted, in an architecture that permutes them or not; 0: this is neither.
std::size_t heads_of(const ModelTensor& tensor, const ModelConfig& config) {
  if (tensor.gguf_name.find(".attn_q.") != std::string::npos) return static_cast<std::size_t>(config.num_attention_heads);
  if (tensor.gguf_name.find(".attn_k.") != std::string::npos) return static_cast<std::size_t>(config.num_key_value_heads);
  return 0;
}

Comparison compare(const GgufTensor& theirs, const TensorView& ours, const ModelTensor& mapping, std::size_t heads,
                   const std::string& path) {
  const std::vector<float> expected = [&] {
    std::vector<float> values = to_floats(ours, mapping.name);
    if (mapping.adds_one) std::ranges::for_each(values, [](float& value) { value += 1; });
    return values;
  }();
  std::vector<float> found(expected.size());
  dequantize(theirs, found, path);
  const auto rows = static_cast<std::size_t>(mapping.shape[0]);
  const RowOrder order = mapping.rotated_heads > 0 ? RowOrder::gguf : RowOrder::hugging_face;
  const RowOrder other = order == RowOrder::gguf ? RowOrder::hugging_face : RowOrder::gguf;
  const double allowed = gguf_loss(theirs.type),
               difference = relative_difference(expected, found, rows, std::max<std::size_t>(heads, 1), order);
  if (difference <= allowed) return {.difference = difference};
  const bool misordered = heads > 0 && relative_difference(expected, found, rows, heads, other) <= allowed;
  return {misordered, !misordered, difference};
}

}  // namespace

double gguf_loss(const GgmlType& type) {
  // Norms are f32 in the file and may be bf16 in the folder, or the other way round: half a unit of bf16 is 2^-9.
  static const std::map<std::string, double> losses = {{"F32", 0.003}, {"F16", 0.003},   {"BF16", 0.004}, {"Q8_0", 0.015}, {"Q6_K", 0.04},
                                                       {"Q5_0", 0.08}, {"Q5_1", 0.08},   {"Q5_K", 0.08},  {"Q4_0", 0.16},  {"Q4_1", 0.16},
                                                       {"Q4_K", 0.16}, {"IQ4_NL", 0.16}, {"Q3_K", 0.3},   {"Q2_K", 0.6}};
  const auto found = losses.find(type.name);
  return found == losses.end() ? 0.6 : found->second;
}

GgmlType coarsest_type(const GgufFile& gguf) {
  GgmlType coarsest;
  double loss = -1;
  for (const GgufTensor& tensor : gguf.tensors()) {
    if (tensor.shape.size() < 2 || gguf_loss(tensor.type) <= loss) continue;
    coarsest = tensor.type;
    loss = gguf_loss(tensor.type);
  }
  return coarsest;
}

void check_gguf_weights(const GgufFile& gguf, const Checkpoint& reference, const ModelConfig& config, Findings& findings) {
  std::vector<std::string> missing, misfits, misordered, differing;
  double largest = 0;
  for (const ModelTensor& mapping : model_tensors(config)) {
    if (!reference.contains(mapping.name)) continue;  // check_weights() has said so
    const TensorView& ours = reference.tensor(mapping.name);
    const GgufTensor* theirs = gguf.find(mapping.gguf_name);
    if (theirs == nullptr) {
      missing.push_back(mapping.gguf_name);
    } else if (theirs->shape != ours.shape) {
      misfits.push_back(
          fmt::format("{} is [{}], not [{}]", mapping.gguf_name, fmt::join(theirs->shape, ", "), fmt::join(ours.shape, ", ")));
    } else {
      const Comparison result = compare(*theirs, ours, mapping, heads_of(mapping, config), gguf.path());
      if (result.misordered) misordered.push_back(mapping.gguf_name);
      if (result.differs) differing.push_back(fmt::format("{} ({:.2g})", mapping.gguf_name, result.difference));
      if (!result.misordered && !result.differs) largest = std::max(largest, result.difference);
    }
  }
  const char* mend = "convert the model again: iteralign export --format gguf";
  if (!missing.empty()) findings.fault("gguf_weights", "tensors are missing in the file: " + enumerate(missing), mend);
  if (!misfits.empty()) findings.fault("gguf_weights", "tensors have another shape in the file: " + enumerate(misfits), mend);
  if (!misordered.empty()) {
    findings.fault("gguf_weights",
                   "permuted heads: the values are right, but the rows of each head stand in the order of the other program in " +
                       enumerate(misordered) + ": shapes fit, every logit is wrong",
                   mend);
  }
  if (!differing.empty())
    findings.fault("gguf_weights", "values differ by more than their type loses in " + enumerate(differing),
                   "take the file of this model, or " + std::string(mend));
  if (missing.empty() && misfits.empty() && misordered.empty() && differing.empty()) {
    findings.ok("gguf_weights",
                fmt::format("every tensor is the folder's; {} loses {:.2g} of the values at most", coarsest_type(gguf).name, largest));
  }
}

}  // namespace iteralign
