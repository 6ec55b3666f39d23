#include "formats/gguf_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/json.h"
#include "core/log.h"
#include "formats/checkpoint.h"
#include "formats/float16.h"
#include "formats/gguf.h"
#include "formats/gguf_config.h"
#include "formats/gguf_dequant.h"
#include "formats/gguf_tokenizer.h"
#include "formats/model_tensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

const GgufTensor& find_tensor(const GgufFile& file, const ModelTensor& mapping) {
  const GgufTensor* tensor = file.find(mapping.gguf_name);
  if (tensor == nullptr) {
    throw Error(ErrorKind::data, "the tensor " + mapping.gguf_name + " is missing", file.path(),
                "the file is incomplete; convert the model again");
  }
  if (tensor->shape != mapping.shape) {
    throw Error(ErrorKind::data,
                fmt::format("the tensor {} has the shape [{}], but the metadata says [{}]", tensor->name, fmt::join(tensor->shape, ", "),
                            fmt::join(mapping.shape, ", ")),
                file.path(), "convert the model again");
  }
  check_dequantizable(*tensor, file.path());
  return *tensor;
}

// Dequantises one tensor after the other into the same memory.
class Converter {
 public:
  explicit Converter(const GgufFile& file) : file_(file) {}

  std::span<const std::byte> convert(const ModelTensor& mapping) {
    const GgufTensor& tensor = find_tensor(file_, mapping);
    const auto rows = static_cast<std::size_t>(mapping.shape[0]);
    const auto elements = static_cast<std::size_t>(element_count(mapping.shape));
    const std::size_t columns = elements / rows;
    values_.resize(elements);
    rounded_.resize(elements);
    dequantize(tensor, values_, file_.path());
    if (mapping.adds_one) std::ranges::for_each(values_, [](float& value) { value -= 1; });
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t from = mapping.rotated_heads == 0 ? row : gguf_row(row, rows / static_cast<std::size_t>(mapping.rotated_heads));
      std::transform(values_.begin() + static_cast<std::ptrdiff_t>(from * columns),
                     values_.begin() + static_cast<std::ptrdiff_t>((from + 1) * columns),
                     rounded_.begin() + static_cast<std::ptrdiff_t>(row * columns), float_to_bf16);
    }
    return std::as_bytes(std::span(rounded_));
  }

 private:
  const GgufFile& file_;
  std::vector<float> values_;
  std::vector<std::uint16_t> rounded_;
};

void warn_of_unused_tensors(const GgufFile& file, const std::vector<ModelTensor>& mappings) {
  std::set<std::string> used = {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"};
  for (const auto& mapping : mappings) used.insert(mapping.gguf_name);
  for (const auto& tensor : file.tensors())
    if (!used.contains(tensor.name)) log_warning("{}: the tensor {} is not used", file.path(), tensor.name);
}

void import_weights(const GgufFile& file, const std::vector<ModelTensor>& mappings, const std::string& folder,
                    const OnImported& on_progress) {
  std::uint64_t total = 0, done = 0;
  for (const auto& mapping : mappings) total += 2 * static_cast<std::uint64_t>(element_count(find_tensor(file, mapping).shape));
  Converter converter(file);
  std::vector<TensorSource> sources;
  for (const auto& mapping : mappings) {
    sources.push_back({mapping.name, DType::bf16, mapping.shape, [&] {
                         const auto bytes = converter.convert(mapping);
                         done += bytes.size();
                         if (on_progress) on_progress(done, total);
                         return bytes;
                       }});
  }
  write_weights(folder, sources);
}

}  // namespace

void import_gguf(const std::string& gguf_path, const std::string& folder, const OnImported& on_progress) {
  const GgufFile file(gguf_path);
  const Json config = gguf_model_config(file);
  const GgufTokenizer tokenizer = read_gguf_tokenizer(file);
  const auto mappings = model_tensors(parse_model_config(config, gguf_path));
  warn_of_unused_tensors(file, mappings);

  PendingDirectory pending(folder);
  const auto write_json = [&](const char* name, const Json& value) {
    write_file_atomic(join_path(pending.path(), name), dump_json_pretty(value) + "\n");
  };
  write_json("config.json", config);
  write_json("generation_config.json", gguf_generation_config(file));
  write_json("tokenizer.json", tokenizer.tokenizer);
  write_json("tokenizer_config.json", tokenizer.tokenizer_config);
  write_json("special_tokens_map.json", tokenizer.special_tokens_map);
  if (!tokenizer.chat_template.empty()) write_file_atomic(join_path(pending.path(), "chat_template.jinja"), tokenizer.chat_template);
  import_weights(file, mappings, pending.path(), on_progress);
  pending.commit();
}

}  // namespace iteralign
