#include "formats/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "core/log.h"
#include "core/strings.h"
#include "formats/gguf_pre_tokenizer.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

using Vocabulary = std::unordered_map<std::string_view, std::int64_t>;  // token -> id

bool flag(const GgufFile& file, const std::string& key, bool otherwise) { return file.has(key) ? file.integer(key) != 0 : otherwise; }

// The start of every character of UTF-8 text, and its end.
std::vector<std::size_t> character_borders(std::string_view text) {
  std::vector<std::size_t> borders;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) borders.push_back(i);
  borders.push_back(text.size());
  return borders;
}

// The byte-level alphabet of GPT-2: a printable character for every byte.
const std::array<std::string, 256>& byte_characters() {
  static const auto table = [] {
    std::array<std::string, 256> characters;
    int next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
      const int code = printable ? byte : next++;
      auto& text = characters[static_cast<std::size_t>(byte)];
      if (code < 0x80) {
        text = static_cast<char>(code);
      } else {
        text = {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
      }
    }
    return characters;
  }();
  return table;
}

bool is_byte_level(std::string_view token) {
  const auto& table = byte_characters();
  const auto borders = character_borders(token);
  for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
    const auto character = token.substr(borders[i], borders[i + 1] - borders[i]);
    if (std::find(table.begin(), table.end(), character) == table.end()) return false;
  }
  return true;
}

std::string to_byte_level(std::string_view text) {
  std::string result;
  for (const char c : text) result += byte_characters()[static_cast<unsigned char>(c)];
  return result;
}

using Merge = std::pair<std::string_view, std::string_view>;

std::vector<Merge> file_merges(const GgufFile& file, const Vocabulary& vocabulary) {
  std::vector<Merge> merges;
  for (const auto& text : file.texts("tokenizer.ggml.merges")) {
    const std::string_view view = text;
    const auto space = view.find(' ', 1);
    const std::string where = "merge " + std::to_string(merges.size() + 1) + " (tokenizer.ggml.merges)";
    if (space == std::string_view::npos || view.find(' ', space + 1) != std::string_view::npos || space + 1 == view.size()) {
      throw Error(ErrorKind::data, where + " is not two tokens with a space between them", file.path(), "convert the model again");
    }
    const Merge merge{view.substr(0, space), view.substr(space + 1)};
    const std::string merged = std::string(merge.first) + std::string(merge.second);
    if (!vocabulary.contains(merge.first) || !vocabulary.contains(merge.second) || !vocabulary.contains(merged)) {
      throw Error(ErrorKind::data, where + " uses a token that is not in the vocabulary: " + text, file.path(), "convert the model again");
    }
    merges.push_back(merge);
  }
  return merges;
}

// SentencePiece vocabularies have scores instead of merges: the better the score of a token, the sooner two tokens become it.
// The order among equals is that of transformers' generate_merges.
std::vector<Merge> merges_from_scores(const GgufFile& file, const std::vector<std::string>& tokens, const Vocabulary& vocabulary) {
  const auto& scores = file.numbers("tokenizer.ggml.scores");
  if (scores.size() != tokens.size()) {
    throw Error(ErrorKind::data, "tokenizer.ggml.scores has another length than tokenizer.ggml.tokens", file.path(),
                "convert the model again");
  }
  struct Candidate {
    Merge merge;
    double score;
    std::size_t left, right;  // characters
  };
  std::vector<Candidate> candidates;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const std::string_view token = tokens[id];
    if (std::isnan(scores[id])) throw Error(ErrorKind::data, "tokenizer.ggml.scores has a NaN", file.path(), "convert the model again");
    const auto borders = character_borders(token);
    const auto first = static_cast<std::ptrdiff_t>(candidates.size());
    for (std::size_t i = 1; i + 1 < borders.size(); ++i) {
      const Merge merge{token.substr(0, borders[i]), token.substr(borders[i])};
      if (vocabulary.contains(merge.first) && vocabulary.contains(merge.second)) {
        candidates.push_back({merge, scores[id], i, borders.size() - 1 - i});
      }
    }
    std::stable_sort(candidates.begin() + first, candidates.end(), [&](const Candidate& a, const Candidate& b) {
      return std::pair(vocabulary.at(a.merge.first), vocabulary.at(a.merge.second)) <
             std::pair(vocabulary.at(b.merge.first), vocabulary.at(b.merge.second));
    });
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.score, a.left, a.right) > std::tie(b.score, b.left, b.right);
  });
  std::vector<Merge> merges;
  for (const auto& candidate : candidates) merges.push_back(candidate.merge);
  return merges;
}

Json merges_json(const std::vector<Merge>& merges) {
  Json::array_t list;
  list.reserve(merges.size());
  for (const auto& [left, right] : merges) list.push_back(Json::array({left, right}));
  return list;
}

// An object in the order of the ids. Json's own insertion looks through all keys each time.
Json vocabulary_json(const std::vector<std::string>& tokens, const Vocabulary& vocabulary) {
  Json::object_t object;
  object.reserve(tokens.size());
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (vocabulary.at(tokens[id]) == static_cast<std::int64_t>(id)) object.push_back({tokens[id], Json(id)});
  return object;
}

Vocabulary make_vocabulary(const std::vector<std::string>& tokens) {
  Vocabulary vocabulary;
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = static_cast<std::int64_t>(id);
  return vocabulary;
}

struct SpecialTokens {
  std::optional<std::int64_t> bos, eos, unk, pad, sep, cls, mask;
};

std::optional<std::int64_t> special_id(const GgufFile& file, const std::string& key, std::size_t vocabulary_size) {
  if (!file.has(key)) return std::nullopt;
  const std::int64_t id = file.integer(key);
  if (id < 0 || id >= static_cast<std::int64_t>(vocabulary_size)) {
    throw Error(ErrorKind::data, key + " is " + std::to_string(id) + ", outside the vocabulary", file.path(), "convert the model again");
  }
  return id;
}

// A file does not say which tokens take the white space behind them. llama.cpp knows it of the models named Phi-3, so of all of
// these but three; here the architecture counts too, since new converters write "Phi 3.5 Mini".
bool strips_right(const GgufFile& file) {
  if (file.text("tokenizer.ggml.model") != "llama") return false;
  const auto text = [&](const char* key) { return file.has(key) ? to_lower(file.text(key)) : std::string(); };
  const std::string name = text("general.name");
  return text("general.architecture") == "phi3" || contains(name, "phi-3") || contains(name, "phi3") || contains(name, "phi 3");
}

Json added_tokens(const GgufFile& file, const std::vector<std::string>& tokens, const std::vector<std::int64_t>& types,
                  const SpecialTokens& special) {
  const bool rstrip = strips_right(file);
  Json list = Json::array();
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const auto is = [id](const std::optional<std::int64_t>& token) { return token == static_cast<std::int64_t>(id); };
    const bool named =
        is(special.bos) || is(special.eos) || is(special.unk) || is(special.pad) || is(special.sep) || is(special.cls) || is(special.mask);
    const std::int64_t type = id < types.size() ? types[id] : 1;
    if (!named && type != kControlToken && type != kUserDefinedToken && type != kUnknownToken) continue;
    list.push_back({{"id", id},
                    {"content", tokens[id]},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", rstrip && tokens[id] != "<unk>" && tokens[id] != "<s>" && tokens[id] != "<|endoftext|>"},
                    {"normalized", false},
                    {"special", type != kUserDefinedToken || named}});
  }
  return list;
}

Json bpe_model(Json vocabulary, Json merges) {
  Json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"ignore_merges", false}};
  model["vocab"] = std::move(vocabulary);
  model["merges"] = std::move(merges);
  return model;
}

GgufPreTokenizer pre_tokenizer_of(const GgufFile& file) {
  if (file.has("tokenizer.ggml.pre")) return gguf_pre_tokenizer(file.text("tokenizer.ggml.pre"), file.path());
  log_warning(
      "{}: does not say how text is cut into words (tokenizer.ggml.pre); read as llama.cpp's default, which few models were trained with",
      file.path());
  return gguf_pre_tokenizer("default", file.path());
}

// Writes normalizer, pre_tokenizer, decoder and model for byte-level BPE.
void describe_byte_level(const GgufFile& file, const GgufPreTokenizer& pre, std::vector<std::string>& tokens,
                         const std::vector<std::int64_t>& types, Json& tokenizer) {
  // Ordinary tokens that some converters left as plain text.
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const bool added = id < types.size() && (types[id] == kControlToken || types[id] == kUserDefinedToken);
    if (!added && !is_byte_level(tokens[id])) tokens[id] = to_byte_level(tokens[id]);
  }
  const Vocabulary vocabulary = make_vocabulary(tokens);
  tokenizer["pre_tokenizer"] = pre.pre_tokenizer;
  tokenizer["decoder"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  tokenizer["model"] = bpe_model(vocabulary_json(tokens, vocabulary), merges_json(file_merges(file, vocabulary)));
  tokenizer["model"]["ignore_merges"] = pre.ignore_merges;
}

// Mistral's vocabularies from the second on have a control token [INST]. Their templates write the space behind it themselves, and their
// tokenizer.json puts one at the start of a text alone, where it has none; nothing else in a file tells them from Llama-2's.
bool spaces_once(const std::vector<std::string>& tokens, const std::vector<std::int64_t>& types) {
  const auto instruction = static_cast<std::size_t>(std::ranges::find(tokens, "[INST]") - tokens.begin());
  return instruction < std::min(tokens.size(), types.size()) && types[instruction] == kControlToken;
}

// The same for SentencePiece's BPE: a space is U+2581, a character outside the vocabulary becomes its bytes. As in SentencePiece and
// llama.cpp a space comes before every stretch of text, also behind a token and where there is one already.
void describe_sentencepiece(const GgufFile& file, const std::vector<std::string>& tokens, const std::vector<std::int64_t>& types,
                            const SpecialTokens& special, Json& tokenizer) {
  const bool space_prefix = flag(file, "tokenizer.ggml.add_space_prefix", true);
  const char* space = "\u2581";
  const Vocabulary vocabulary = make_vocabulary(tokens);
  const auto merges = file.has("tokenizer.ggml.merges") ? file_merges(file, vocabulary) : merges_from_scores(file, tokens, vocabulary);
  if (space_prefix && spaces_once(tokens, types)) {
    tokenizer["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", space}, {"prepend_scheme", "first"}, {"split", false}};
  } else {
    Json normalizers = Json::array();
    if (space_prefix) normalizers.push_back({{"type", "Prepend"}, {"prepend", space}});
    normalizers.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", space}});
    tokenizer["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  }
  Json decoders = Json::array(
      {{{"type", "Replace"}, {"pattern", {{"String", space}}}, {"content", " "}}, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (space_prefix) decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  tokenizer["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
  tokenizer["model"] = bpe_model(vocabulary_json(tokens, vocabulary), merges_json(merges));
  auto& model = tokenizer["model"];
  if (special.unk) model["unk_token"] = tokens[static_cast<std::size_t>(*special.unk)];
  model["fuse_unk"] = true;
  model["byte_fallback"] = true;
}

// Puts BOS before and EOS behind the text, where wanted.
Json post_processor(const std::vector<std::string>& tokens, const std::optional<std::int64_t>& bos,
                    const std::optional<std::int64_t>& eos) {
  if (!bos && !eos) return nullptr;
  Json special = Json::object(), single = Json::array(), pair = Json::array();
  const auto add_token = [&](Json& list, const std::optional<std::int64_t>& id, int type_id) {
    if (!id) return;
    const auto& token = tokens[static_cast<std::size_t>(*id)];
    list.push_back({{"SpecialToken", {{"id", token}, {"type_id", type_id}}}});
    special[token] = {{"id", token}, {"ids", Json::array({*id})}, {"tokens", Json::array({token})}};
  };
  const auto add_text = [&](Json& list, const char* name, int type_id) {
    add_token(list, bos, type_id);
    list.push_back({{"Sequence", {{"id", name}, {"type_id", type_id}}}});
    add_token(list, eos, type_id);
  };
  add_text(single, "A", 0);
  add_text(pair, "A", 0);
  add_text(pair, "B", 1);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

}  // namespace

GgufTokenizer read_gguf_tokenizer(const GgufFile& file) {
  const std::string model = file.text("tokenizer.ggml.model");
  if (model != "gpt2" && model != "llama") {
    throw Error(ErrorKind::data, "the tokenizer model \"" + model + "\" (tokenizer.ggml.model) is not supported", file.path(),
                "these are: gpt2 (byte-level BPE), llama (SentencePiece BPE)");
  }
  std::vector<std::string> tokens = file.texts("tokenizer.ggml.tokens");
  const auto types = file.has("tokenizer.ggml.token_type") ? file.integers("tokenizer.ggml.token_type") : std::vector<std::int64_t>{};
  const auto id = [&](const char* name) { return special_id(file, std::string("tokenizer.ggml.") + name + "_token_id", tokens.size()); };
  const SpecialTokens special{id("bos"), id("eos"), id("unknown"), id("padding"), id("seperator"), id("cls"), id("mask")};

  GgufTokenizer result;
  auto& tokenizer = result.tokenizer;
  for (const char* key :
       {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"})
    tokenizer[key] = nullptr;
  tokenizer["version"] = "1.0";
  bool add_bos = true;
  if (model == "gpt2") {
    const GgufPreTokenizer pre = pre_tokenizer_of(file);
    describe_byte_level(file, pre, tokens, types, tokenizer);
    add_bos = pre.adds_bos;
  } else {
    describe_sentencepiece(file, tokens, types, special, tokenizer);
  }
  add_bos = flag(file, "tokenizer.ggml.add_bos_token", add_bos);
  const bool add_eos = flag(file, "tokenizer.ggml.add_eos_token", false);
  tokenizer["added_tokens"] = added_tokens(file, tokens, types, special);
  tokenizer["post_processor"] = post_processor(tokens, add_bos ? special.bos : std::nullopt, add_eos ? special.eos : std::nullopt);

  auto& map = result.special_tokens_map;
  map = Json::object();
  const std::pair<const char*, std::optional<std::int64_t>> named[] = {
      {"bos_token", special.bos}, {"eos_token", special.eos}, {"pad_token", special.pad},  {"unk_token", special.unk},
      {"sep_token", special.sep}, {"cls_token", special.cls}, {"mask_token", special.mask}};
  for (const auto& [key, token] : named)
    if (token) map[key] = tokens[static_cast<std::size_t>(*token)];
  result.tokenizer_config = {{"add_bos_token", add_bos && special.bos.has_value()},
                             {"add_eos_token", add_eos && special.eos.has_value()},
                             {"clean_up_tokenization_spaces", false},
                             {"tokenizer_class", "PreTrainedTokenizerFast"}};
  result.tokenizer_config.update(map);
  if (file.has("tokenizer.chat_template")) result.chat_template = file.text("tokenizer.chat_template");
  return result;
}

}  // namespace iteralign
