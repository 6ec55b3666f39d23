#include "engine/files/gguf_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/json.h"
#include "core/log.h"
#include "engine/files/checkpoint.h"
#include "engine/files/float16.h"
#include "engine/files/gguf.h"
#include "engine/files/gguf_config.h"
#include "engine/files/gguf_dequant.h"
#include "engine/files/gguf_tokenizer.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// A tensor in both worlds.
struct Mapping {
  std::string gguf_name, name;
  std::vector<std::int64_t> shape;
  std::int64_t rotated_heads = 0;  // > 0: q or k, whose rows llama.cpp has in another order within each head
};

std::vector<Mapping> map_tensors(const ModelConfig& config) {
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  const std::int64_t queries = config.num_attention_heads * config.head_dim, keys = config.num_key_value_heads * config.head_dim;
  std::vector<Mapping> all = {{"token_embd.weight", "model.embed_tokens.weight", {config.vocab_size, hidden}}};
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string from = fmt::format("blk.{}.", i), to = fmt::format("model.layers.{}.", i);
    const auto add_linear = [&](const char* gguf_name, const char* name, std::int64_t out, std::int64_t in, bool bias,
                                std::int64_t rotated) {
      all.push_back({from + gguf_name + ".weight", to + name + ".weight", {out, in}, rotated});
      if (bias) all.push_back({from + gguf_name + ".bias", to + name + ".bias", {out}, rotated});
    };
    all.push_back({from + "attn_norm.weight", to + "input_layernorm.weight", {hidden}});
    add_linear("attn_q", "self_attn.q_proj", queries, hidden, config.attention_bias, config.num_attention_heads);
    add_linear("attn_k", "self_attn.k_proj", keys, hidden, config.attention_bias, config.num_key_value_heads);
    add_linear("attn_v", "self_attn.v_proj", keys, hidden, config.attention_bias, 0);
    add_linear("attn_output", "self_attn.o_proj", hidden, queries, config.attention_bias, 0);
    all.push_back({from + "ffn_norm.weight", to + "post_attention_layernorm.weight", {hidden}});
    add_linear("ffn_gate", "mlp.gate_proj", inner, hidden, config.mlp_bias, 0);
    add_linear("ffn_up", "mlp.up_proj", inner, hidden, config.mlp_bias, 0);
    add_linear("ffn_down", "mlp.down_proj", hidden, inner, config.mlp_bias, 0);
  }
  all.push_back({"output_norm.weight", "model.norm.weight", {hidden}});
  if (!config.tie_word_embeddings) all.push_back({"output.weight", "lm_head.weight", {config.vocab_size, hidden}});
  return all;
}

const GgufTensor& find_tensor(const GgufFile& file, const Mapping& mapping) {
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

// Which row of the GGUF tensor is row `row` of ours. llama.cpp rotates neighbouring rows as pairs (2j, 2j + 1),
// Hugging Face the halves of a head (j, j + d/2).
std::size_t source_row(std::size_t row, std::size_t head_rows) {
  const std::size_t half = head_rows / 2, head = row / head_rows, in_head = row % head_rows;
  return head * head_rows + 2 * (in_head % half) + in_head / half;
}

// Dequantises one tensor after the other into the same memory.
class Converter {
 public:
  explicit Converter(const GgufFile& file) : file_(file) {}

  std::span<const std::byte> convert(const Mapping& mapping) {
    const GgufTensor& tensor = find_tensor(file_, mapping);
    const auto rows = static_cast<std::size_t>(mapping.shape[0]);
    const auto elements = static_cast<std::size_t>(element_count(mapping.shape));
    const std::size_t columns = elements / rows;
    values_.resize(elements);
    rounded_.resize(elements);
    dequantize(tensor, values_, file_.path());
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t from = mapping.rotated_heads == 0 ? row : source_row(row, rows / static_cast<std::size_t>(mapping.rotated_heads));
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

void warn_of_unused_tensors(const GgufFile& file, const std::vector<Mapping>& mappings) {
  std::set<std::string> used = {"rope_freqs.weight"};
  for (const auto& mapping : mappings) used.insert(mapping.gguf_name);
  for (const auto& tensor : file.tensors())
    if (!used.contains(tensor.name)) log_warning("{}: the tensor {} is not used", file.path(), tensor.name);
}

void import_weights(const GgufFile& file, const std::vector<Mapping>& mappings, const std::string& folder, const OnImported& on_progress) {
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
  const auto mappings = map_tensors(parse_model_config(config, gguf_path));
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
