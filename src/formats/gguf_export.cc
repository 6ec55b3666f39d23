#include "formats/gguf_export.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "core/files.h"
#include "core/log.h"
#include "formats/checkpoint.h"
#include "formats/families/family.h"
#include "formats/gguf_metadata.h"
#include "formats/gguf_tokenizer.h"
#include "formats/model_tensors.h"
#include "formats/rope_config.h"
#include "formats/tensor_floats.h"
#include "iteralign/error.h"
#include "text/tokenizer_comparison.h"

namespace iteralign {
namespace {

GgufType type_of(const ModelTensor& tensor, GgufType wanted) {
  if (tensor.shape.size() < 2) return GgufType::f32;
  const bool embedding = tensor.gguf_name == "token_embd.weight" || tensor.gguf_name == "output.weight";
  const GgufType type = wanted == GgufType::q4_0 && embedding ? GgufType::q8_0 : wanted;
  const bool in_blocks = type == GgufType::q8_0 || type == GgufType::q4_0;
  return in_blocks && tensor.shape.back() % kGgmlBlock != 0 ? GgufType::f16 : type;
}

std::vector<float> llama3_divisors(const RopeConfig& rope) {
  std::vector<float> divisors;
  for (std::int64_t k = 0; k < rope.dim / 2; ++k) {
    const auto exponent = static_cast<float>(2 * k) / static_cast<float>(rope.dim);
    divisors.push_back(llama3_divisor(rope, 1 / static_cast<float>(std::pow(rope.theta, exponent))));
  }
  return divisors;
}

void add_rope_tensors(const RopeConfig& rope, std::vector<GgufSource>& sources) {
  const auto add = [&](const char* name, std::vector<float> values) {
    sources.push_back(
        {name, GgufType::f32, {static_cast<std::int64_t>(values.size())}, [kept = std::move(values)] { return std::span(kept); }});
  };
  const auto floats = [](const std::vector<double>& values) { return std::vector<float>(values.begin(), values.end()); };
  if (rope.scaling == RopeScaling::llama3) add("rope_freqs.weight", llama3_divisors(rope));
  if (rope.scaling != RopeScaling::longrope) return;
  add("rope_factors_long.weight", floats(rope.long_factor));
  add("rope_factors_short.weight", floats(rope.short_factor));
}

std::vector<GgufSource> tensor_sources(const Checkpoint& checkpoint, const ModelConfig& config, GgufType type, std::vector<float>& values) {
  std::vector<GgufSource> sources;
  add_rope_tensors(config.ropes[0], sources);
  for (const ModelTensor& tensor : model_tensors(config)) {
    (void)checkpoint.tensor(tensor.name, tensor.shape);  // before anything is written
    sources.push_back({tensor.gguf_name, type_of(tensor, type), tensor.shape, [&checkpoint, &values, tensor] {
                         values = to_floats(checkpoint.tensor(tensor.name), tensor.name);
                         if (tensor.rotated_heads > 0)
                           values =
                               gguf_rows(values, static_cast<std::size_t>(tensor.shape[0]), static_cast<std::size_t>(tensor.rotated_heads));
                         if (tensor.adds_one) std::ranges::for_each(values, [](float& value) { value += 1; });
                         return std::span<const float>(values);
                       }});
  }
  return sources;
}

void report(std::vector<GgufSource>& sources, const OnExported& on_progress) {
  if (!on_progress) return;
  std::uint64_t total = 0;
  for (const GgufSource& source : sources) total += gguf_bytes(source.type, element_count(source.shape));
  auto done = std::make_shared<std::uint64_t>(0);
  for (GgufSource& source : sources) {
    const std::uint64_t bytes = gguf_bytes(source.type, element_count(source.shape));
    source.values = [values = source.values, on_progress, done, bytes, total] {
      *done += bytes;
      on_progress(*done, total);
      return values();
    };
  }
}

// general.file_type of llama.cpp.
std::uint32_t file_type(GgufType type) {
  switch (type) {
    case GgufType::f32:
      return 0;
    case GgufType::f16:
      return 1;
    case GgufType::q4_0:
      return 2;
    case GgufType::q8_0:
      return 7;
    case GgufType::bf16:
      return 32;
  }
  return 0;
}

void warn_of_other_cuts(const std::string& folder, const std::string& gguf_path) {
  const GgufTokenizer read = read_gguf_tokenizer(GgufFile(gguf_path));
  if (const auto text =
          differing_text(Tokenizer::from_folder(folder), Tokenizer::from_json(read.tokenizer, read.tokenizer_config, gguf_path)))
    log_warning("{}: llama.cpp cuts some texts into other tokens than the folder's tokenizer.json, for example {}", gguf_path,
                dump_json(*text));
}

}  // namespace

GgufType parse_gguf_type(const std::string& name) {
  const std::pair<const char*, GgufType> types[] = {
      {"f32", GgufType::f32}, {"f16", GgufType::f16}, {"bf16", GgufType::bf16}, {"q8_0", GgufType::q8_0}, {"q4_0", GgufType::q4_0}};
  for (const auto& [known, type] : types)
    if (name == known) return type;
  throw Error(ErrorKind::usage, "there is no GGUF type `" + name + "`", "--type", "one of: f32, f16, bf16, q8_0, q4_0");
}

void export_gguf(const std::string& folder, const std::string& gguf_path, GgufType type, const OnExported& on_progress) {
  const Checkpoint checkpoint(folder);
  const std::string where = join_path(folder, "config.json");
  const ModelConfig config = model_config(checkpoint);
  const std::filesystem::path normal = std::filesystem::path(folder).lexically_normal();
  GgufMetadata metadata = {{"general.architecture", std::string(config.family->gguf.architecture)},
                           {"general.type", std::string("model")},
                           {"general.name", (normal.has_filename() ? normal : normal.parent_path()).filename().string()},
                           {"general.file_type", file_type(type)},
                           {"general.quantization_version", std::uint32_t{2}}};
  for (const GgufMetadata& part : {gguf_model_metadata(config, where), gguf_tokenizer_metadata(folder, config.vocab_size)})
    metadata.insert(metadata.end(), part.begin(), part.end());
  std::vector<float> values;  // of the tensor whose turn it is
  std::vector<GgufSource> sources = tensor_sources(checkpoint, config, type, values);
  report(sources, on_progress);
  write_gguf(gguf_path, metadata, sources);
  warn_of_other_cuts(folder, gguf_path);
}

}  // namespace iteralign
