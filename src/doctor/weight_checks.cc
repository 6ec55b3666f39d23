#include "doctor/weight_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "formats/model_tensors.h"
#include "formats/tensor_floats.h"

namespace iteralign {
namespace {

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

// A missing lm_head is check_tied_embeddings()'s.
void check_shapes(const Checkpoint& checkpoint, const ModelConfig& config, Findings& findings) {
  std::vector<std::string> missing, misfits;
  for (const ModelTensor& expected : model_tensors(config)) {
    if (!checkpoint.contains(expected.name)) {
      if (expected.name != kHead) missing.push_back(expected.name);
    } else if (const auto& shape = checkpoint.tensor(expected.name).shape; shape != expected.shape) {
      misfits.push_back(fmt::format("{} is [{}], not [{}]", expected.name, fmt::join(shape, ", "), fmt::join(expected.shape, ", ")));
    }
  }
  if (!missing.empty()) findings.fault("weights", "tensors are missing: " + enumerate(missing), "fetch or save the model again");
  if (!misfits.empty())
    findings.fault("weights", "tensors do not have the shape that config.json says: " + enumerate(misfits),
                   "config.json and the weights are of different models");
}

// Norms that multiply by 1 + weight, and biases, may well be zero.
bool may_be_zero(const std::string& name, const TensorView& view, const ModelConfig& config) {
  return view.shape.size() < 2 && (config.norm_adds_one || name.ends_with(".bias"));
}

}  // namespace

TensorScan scan_tensor(const TensorView& view, const std::string& name) {
  TensorScan scan;
  for (const float value : to_floats(view, name)) {
    if (!std::isfinite(value)) scan.finite = false;
    if (value != 0) scan.all_zero = false;
  }
  return scan;
}

void check_weights(const Checkpoint& checkpoint, const ModelConfig& config, Findings& findings) {
  const std::size_t before = findings.all().size();
  check_shapes(checkpoint, config, findings);
  std::vector<std::string> broken, zero;
  for (const std::string& name : checkpoint.names()) {
    const TensorView& view = checkpoint.tensor(name);
    const TensorScan scan = scan_tensor(view, name);
    if (!scan.finite) broken.push_back(name);
    if (scan.all_zero && !may_be_zero(name, view, config)) zero.push_back(name);
  }
  if (!broken.empty())
    findings.fault("weights", "NaN or infinity in " + enumerate(broken),
                   "the training that made them diverged; take an earlier checkpoint");
  if (!zero.empty()) findings.fault("weights", "nothing but zeros in " + enumerate(zero), "fetch or save the model again");
  if (findings.all().size() == before)
    findings.ok("weights", fmt::format("{} tensors, of the shapes in config.json, all finite", checkpoint.names().size()));
}

void check_tied_embeddings(const Checkpoint& checkpoint, const ModelConfig& config, Findings& findings) {
  const bool has_head = checkpoint.contains(kHead);
  if (!config.tie_word_embeddings) {
    if (!has_head)
      return findings.fault("tied_embeddings", "tie_word_embeddings is false, but there is no lm_head.weight",
                            "set tie_word_embeddings to true when the model is tied, or fetch the weights again");
    return findings.ok("tied_embeddings", "lm_head has weights of its own, as config.json says");
  }
  if (!has_head || !checkpoint.contains(kEmbedding)) return findings.ok("tied_embeddings", "lm_head is the embedding, as config.json says");
  const TensorView &head = checkpoint.tensor(kHead), &embedding = checkpoint.tensor(kEmbedding);
  if (head.dtype == embedding.dtype && std::ranges::equal(head.bytes, embedding.bytes))
    return findings.ok("tied_embeddings", "lm_head is a copy of the embedding that config.json ties it to");
  findings.fault("tied_embeddings",
                 "tie_word_embeddings is true, but the file's lm_head.weight differs from the embedding: programs use the one or the other",
                 "set tie_word_embeddings to false when lm_head was trained, else remove lm_head.weight");
}

}  // namespace iteralign
