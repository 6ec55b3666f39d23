#include "doctor/gguf_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/json.h"
#include "core/strings.h"
#include "doctor/chat_checks.h"
#include "formats/families/family.h"
#include "formats/gguf_metadata.h"
#include "formats/gguf_tokenizer.h"
#include "iteralign/error.h"
#include "text/tokenizer_comparison.h"

namespace iteralign {
namespace {

constexpr const char* kConvertAgain = "convert the model again: iteralign export --format gguf";
constexpr std::int64_t kNormal = 1, kControl = 3;  // tokenizer.ggml.token_type

template <class T>
const T* find_field(const GgufMetadata& metadata, const std::string& key) {
  const auto found = std::ranges::find(metadata, key, &GgufMetadata::value_type::first);
  return found == metadata.end() ? nullptr : std::get_if<T>(&found->second);
}

// ---- configuration ----

std::string text_of(const GgufField& field) {
  if (const auto* count = std::get_if<std::uint32_t>(&field)) return std::to_string(*count);
  if (const auto* number = std::get_if<float>(&field)) return fmt::format("{:.9g}", *number);
  if (const auto* text = std::get_if<std::string>(&field)) return *text;
  return "";
}

std::string text_of(const GgufFile& gguf, const std::string& key, const GgufField& like) {
  if (std::holds_alternative<std::uint32_t>(like)) return std::to_string(gguf.integer(key));
  if (std::holds_alternative<float>(like)) return fmt::format("{:.9g}", static_cast<float>(gguf.number(key)));
  return gguf.text(key);
}

// What llama.cpp takes for a key that the file does not have; nullopt: it follows from other keys, or the file is unusable without.
std::optional<std::string> value_when_missing(const std::string& key, const GgufMetadata& expected, const std::string& architecture) {
  if (key == architecture + ".rope.freq_base") return "10000";
  if (key == architecture + ".attention.head_count_kv")
    if (const auto* heads = find_field<std::uint32_t>(expected, architecture + ".attention.head_count")) return std::to_string(*heads);
  return std::nullopt;
}

bool is_same(const std::string& a, const std::string& b, const GgufField& kind) {
  if (!std::holds_alternative<float>(kind)) return a == b;
  const double x = std::stod(a), y = std::stod(b);
  return std::abs(x - y) <= 1e-6 * std::max(std::abs(x), std::abs(y));
}

// "llama.rope.freq_base is 500000, not 10000" for every key that differs.
std::vector<std::string> differing_keys(const GgufFile& gguf, const GgufMetadata& expected, const ModelConfig& config) {
  const std::string architecture(config.family->gguf.architecture);
  std::vector<std::string> differing;
  for (const auto& [key, value] : expected) {
    const auto found = gguf.has(key) ? text_of(gguf, key, value) : value_when_missing(key, expected, architecture);
    if (found && !is_same(*found, text_of(value), value)) differing.push_back(fmt::format("{} is {}, not {}", key, *found, text_of(value)));
  }
  const std::string scaling = architecture + ".rope.scaling.type";
  const bool in_tensors = config.ropes.at(0).scaling == RopeScaling::longrope;  // whatever the key says
  if (gguf.has(scaling) && gguf.text(scaling) != "none" && find_field<std::string>(expected, scaling) == nullptr && !in_tensors)
    differing.push_back(fmt::format("{} is {}, but config.json has no such scaling", scaling, gguf.text(scaling)));
  return differing;
}

// ---- tokens ----

// Ids of the file's tokens that differ from the folder's.
std::vector<std::string> differing_tokens(const std::vector<std::string>& theirs, const std::vector<std::string>& ours, int known) {
  std::vector<std::string> differing;
  const std::size_t compared = std::min({theirs.size(), ours.size(), static_cast<std::size_t>(known)});
  for (std::size_t id = 0; id < compared; ++id)
    if (theirs[id] != ours[id]) differing.push_back(fmt::format("{} is `{}`, not `{}`", id, theirs[id], ours[id]));
  if (theirs.size() < static_cast<std::size_t>(known))
    differing.push_back(fmt::format("{} tokens are missing", static_cast<std::size_t>(known) - theirs.size()));
  return differing;
}

// Control tokens that the file has as ordinary text, so that llama.cpp cuts them in pieces.
std::vector<std::string> lost_controls(const GgufFile& gguf, const GgufMetadata& expected) {
  const auto* types = find_field<std::vector<std::int32_t>>(expected, "tokenizer.ggml.token_type");
  const auto* tokens = find_field<std::vector<std::string>>(expected, "tokenizer.ggml.tokens");
  std::vector<std::string> lost;
  if (types == nullptr || tokens == nullptr || !gguf.has("tokenizer.ggml.token_type")) return lost;
  const auto& theirs = gguf.integers("tokenizer.ggml.token_type");
  for (std::size_t id = 0; id < std::min(theirs.size(), types->size()); ++id)
    if ((*types)[id] == kControl && theirs[id] == kNormal) lost.push_back("`" + (*tokens)[id] + "`");
  return lost;
}

void compare_special_ids(const GgufFile& gguf, const GgufMetadata& expected, Findings& findings) {
  std::vector<std::string> differing;
  for (const char* role : {"bos", "eos"}) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", role);
    const auto* ours = find_field<std::uint32_t>(expected, key);
    if (ours != nullptr && gguf.has(key) && gguf.integer(key) != *ours)
      differing.push_back(fmt::format("{} is {}, not {}", key, gguf.integer(key), *ours));
  }
  const auto* adds_bos = find_field<bool>(expected, "tokenizer.ggml.add_bos_token");
  if (const char* key = "tokenizer.ggml.add_bos_token"; adds_bos != nullptr && gguf.has(key) && (gguf.integer(key) != 0) != *adds_bos)
    differing.push_back(fmt::format("{} is {}, not {}", key, gguf.integer(key) != 0, *adds_bos));
  if (!differing.empty()) findings.warn("gguf_tokens", "special tokens differ from the folder's: " + enumerate(differing), kConvertAgain);
}

// Are texts cut alike? What a file cannot say (white space that a token takes, a space at the start alone) shows here.
void compare_cuts(const GgufFile& gguf, const Tokenizer& tokenizer, Findings& findings) {
  const GgufTokenizer read = read_gguf_tokenizer(gguf);
  if (const auto text = differing_text(tokenizer, Tokenizer::from_json(read.tokenizer, read.tokenizer_config, gguf.path())))
    findings.warn("gguf_tokens",
                  fmt::format("the file cuts some texts into other tokens than the folder, for example {}", dump_json(*text)),
                  "use the Hugging Face folder where this matters");
}

// Does llama.cpp stop where an answer ends? It knows some names of end-of-turn tokens without being told.
void check_gguf_stop(const GgufFile& gguf, const Renderer& renderer, Findings& findings) {
  const auto end = end_of_turn_id(renderer);
  if (!end) return;
  for (const char* role : {"eos", "eot", "eom"})
    if (const std::string key = fmt::format("tokenizer.ggml.{}_token_id", role); gguf.has(key) && gguf.integer(key) == *end) return;
  const std::string token = renderer.tokenizer().token_of(*end);
  for (const char* known : {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>"})
    if (token == known) return;
  findings.fault(
      "gguf_tokens",
      fmt::format("an answer ends with `{}` ({}), which is neither eos nor eot of the file: llama.cpp will not stop there", token, *end),
      fmt::format("set tokenizer.ggml.eot_token_id to {}", *end));
}

}  // namespace

void check_gguf_config(const GgufFile& gguf, const ModelFiles& files, Findings& findings) {
  const std::string architecture(files.config->family->gguf.architecture);
  if (const std::string& theirs = gguf.text("general.architecture"); theirs != architecture)
    return findings.fault("gguf_config", fmt::format("the file is a {}, the folder a {}", theirs, architecture),
                          "take the files of one model");
  std::vector<std::string> differing = differing_keys(gguf, gguf_model_metadata(*files.config, files.file("config.json")), *files.config);
  const bool scaled = files.config->ropes.at(0).scaling == RopeScaling::llama3;
  if (scaled != (gguf.find("rope_freqs.weight") != nullptr))
    differing.push_back(scaled ? "rope_freqs.weight, the llama3 scaling of positions, is missing"
                               : "rope_freqs.weight is there, but config.json has no llama3 scaling");
  // The length of the context is a choice; every other difference changes all logits.
  const std::string context = architecture + ".context_length";
  std::vector<std::string> tastes;
  std::erase_if(differing, [&](const std::string& line) { return line.starts_with(context) && (tastes.push_back(line), true); });
  if (!differing.empty())
    findings.fault("gguf_config", "the file differs from config.json: " + enumerate(differing), kConvertAgain);
  else if (!tastes.empty())
    findings.warn("gguf_config", "the file differs from config.json: " + enumerate(tastes), kConvertAgain);
  else
    findings.ok("gguf_config", "sizes, positions and eps are those of config.json");
}

void check_gguf_tokens(const GgufFile& gguf, const ModelFiles& files, Findings& findings) {
  const GgufMetadata expected = gguf_tokenizer_metadata(files.folder, files.config->vocab_size);
  const std::size_t before = findings.all().size();
  const auto* tokens = find_field<std::vector<std::string>>(expected, "tokenizer.ggml.tokens");
  const auto differing = differing_tokens(gguf.texts("tokenizer.ggml.tokens"), *tokens, files.renderer->tokenizer().size());
  if (!differing.empty())
    findings.fault("gguf_tokens", "the file has other tokens than the folder: " + enumerate(differing), kConvertAgain);
  if (const auto lost = lost_controls(gguf, expected); !lost.empty())
    findings.fault("gguf_tokens", "control tokens are ordinary text in the file: " + enumerate(lost), kConvertAgain);
  const auto* merges = find_field<std::vector<std::string>>(expected, "tokenizer.ggml.merges");
  if (merges != nullptr && gguf.has("tokenizer.ggml.merges") && gguf.texts("tokenizer.ggml.merges") != *merges)
    findings.fault("gguf_tokens", "the file merges tokens otherwise than the folder", kConvertAgain);
  if (findings.all().size() == before) compare_cuts(gguf, files.renderer->tokenizer(), findings);
  compare_special_ids(gguf, expected, findings);
  check_gguf_stop(gguf, *files.renderer, findings);
  if (findings.all().size() == before) findings.ok("gguf_tokens", fmt::format("{} tokens as in the folder", tokens->size()));
}

void check_gguf_template(const GgufFile& gguf, const ModelFiles& files, Findings& findings) {
  const char* key = "tokenizer.chat_template";
  const ChatTemplate& ours = files.renderer->chat_template();
  if (!gguf.has(key)) {
    if (ours.name() == "plain") return findings.ok("gguf_template", "neither the file nor the folder has a chat template");
    return findings.fault("gguf_template", "the file has no chat template, so llama.cpp takes one of its own", kConvertAgain);
  }
  const std::string difference = first_difference(*files.renderer, ChatTemplate::from_source(gguf.text(key), gguf.path() + ": " + key));
  if (difference.empty()) return findings.ok("gguf_template", "the chat template is the folder's");
  findings.fault("gguf_template", fmt::format("the file has another chat template than the folder: {} is rendered differently", difference),
                 kConvertAgain);
}

}  // namespace iteralign
