#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/files.h"
#include "core/log.h"
#include "formats/gguf_metadata.h"
#include "formats/gguf_pre_tokenizer.h"
#include "iteralign/error.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace iteralign {
namespace {

struct TokenTable {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
};

bool is_byte_token(const std::string& token) { return token.size() == 6 && token.starts_with("<0x") && token.back() == '>'; }

// llama.cpp looks for user-defined tokens in the text as it is, with ordinary spaces.
std::string with_spaces(std::string token) {
  static const std::string mark = "\u2581";
  for (std::size_t at = 0; (at = token.find(mark, at)) != std::string::npos; ++at) token.replace(at, mark.size(), " ");
  return token;
}

// Some files say of control tokens that they are not special.
bool looks_special(const std::string& token) {
  return token == "<pad>" || token == "<mask>" || (token.starts_with("<|") && token.ends_with("|>")) ||
         (token.starts_with("<unused") && token.ends_with(">"));
}

TokenTable read_vocabulary(const Json& document, const Tokenizer& tokenizer, std::int64_t size, const std::string& where) {
  TokenTable vocabulary;
  for (std::int64_t id = 0; id < size; ++id) vocabulary.tokens.push_back(fmt::format("[PAD{}]", id));
  vocabulary.types.assign(static_cast<std::size_t>(size), kUnusedToken);
  const auto place = [&](const std::string& token, std::int64_t id, std::int32_t type) {
    if (id < 0 || id >= size)
      throw Error(ErrorKind::data, fmt::format("the token {} has the id {}, but config.json says vocab_size {}", token, id, size), where);
    vocabulary.tokens[static_cast<std::size_t>(id)] = token;
    vocabulary.types[static_cast<std::size_t>(id)] = type;
  };
  const Json& model = document.at("model");
  const bool bytes = model.value("byte_fallback", false);
  const std::string unknown = model.contains("unk_token") && model["unk_token"].is_string() ? model["unk_token"] : Json("");
  for (const auto& [token, id] : model.at("vocab").items()) {
    const std::int32_t type = bytes && is_byte_token(token) ? kByteToken : bytes && token == unknown ? kUnknownToken : kNormalToken;
    place(token, id.get<std::int64_t>(), type);
  }
  for (const AddedToken& added : tokenizer.added_tokens()) {
    if (bytes && added.content == unknown) continue;
    if (added.id >= size) {  // named in the configuration, but the model was never made to know it
      log_warning("{}: the token {} has the id {}, but the model has {} embeddings: left out", where, added.content, added.id, size);
      continue;
    }
    const bool control = added.special || looks_special(added.content);
    place(control ? added.content : with_spaces(added.content), added.id, control ? kControlToken : kUserDefinedToken);
  }
  return vocabulary;
}

std::pair<std::string, std::string> merge_of(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2) return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  const std::string text = merge.is_string() ? merge.get<std::string>() : "";
  const auto space = text.find(' ', 1);
  if (space == std::string::npos) throw Error(ErrorKind::data, "has a merge that is not two tokens", where);
  return {text.substr(0, space), text.substr(space + 1)};
}

// llama.cpp merges what gives the token of the best score: the sooner a merge gives a token, the better its score.
std::vector<float> scores_from_merges(const Json& document, const TokenTable& vocabulary, const std::string& where) {
  std::map<std::string, float> best;
  float rank = 0;
  for (const Json& merge : document["model"]["merges"]) {
    const auto [left, right] = merge_of(merge, where);
    best.emplace(left + right, -++rank);
  }
  std::vector<float> scores;
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const auto found = vocabulary.types[id] == kNormalToken ? best.find(vocabulary.tokens[id]) : best.end();
    scores.push_back(found != best.end() ? found->second : vocabulary.types[id] == kNormalToken ? -rank - 1 : 0);
  }
  return scores;
}

std::vector<std::string> merge_texts(const Json& document, const std::string& where) {
  std::vector<std::string> texts;
  for (const Json& merge : document["model"]["merges"]) {
    const auto [left, right] = merge_of(merge, where);
    texts.push_back(left + " " + right);
  }
  return texts;
}

// Does SentencePiece's text begin with a space of its own?
bool adds_space_prefix(const Tokenizer& tokenizer) {
  const auto ids = tokenizer.encode("a", false);
  return !ids.empty() && tokenizer.token_of(ids[0]).starts_with("\u2581");
}

bool adds_eos(const Tokenizer& tokenizer) {
  const auto ids = tokenizer.encode("a", true);
  return tokenizer.eos_id() && !ids.empty() && ids.back() == *tokenizer.eos_id();
}

// Does every word that is a token as a whole come out of the merges as that token? Then ignore_merges changes nothing.
bool merges_give_every_token(Json document, const Json& config, const std::string& where) {
  document["model"]["ignore_merges"] = false;
  const Tokenizer merging = Tokenizer::from_json(document, config, where);
  document["model"]["ignore_merges"] = true;
  const Tokenizer ignoring = Tokenizer::from_json(document, config, where);
  return std::ranges::all_of(document["model"]["vocab"].items(), [&](const auto& entry) {
    const std::string text = merging.decode(std::vector<TokenId>{entry.value().template get<TokenId>()}, false);
    return merging.encode_plain(text) == ignoring.encode_plain(text);
  });
}

// llama.cpp knows how text is cut, and whether a word that is a token is merged all the same, by one name.
std::string pre_tokenizer_name(const Json& document, const Tokenizer& tokenizer, const std::string& where) {
  const auto names = gguf_pre_tokenizer_names(document.value("pre_tokenizer", Json()), where + ": pre_tokenizer");
  if (names.merging.empty() && names.ignoring_merges.empty())
    throw Error(ErrorKind::data, "no pre-tokenizer of llama.cpp cuts text as this one does", where, "use the Hugging Face folder");
  const bool ignores = document["model"].value("ignore_merges", false);
  const auto& wanted = ignores ? names.ignoring_merges : names.merging;
  const auto& others = ignores ? names.merging : names.ignoring_merges;
  if (!wanted.empty()) return wanted.front();
  if (merges_give_every_token(document, tokenizer.config(), where)) return others.front();
  throw Error(ErrorKind::data,
              fmt::format("\"ignore_merges\" is {}, but llama.cpp's pre-tokenizer that cuts text as this one does ({}) has it {}", ignores,
                          others.front(), !ignores),
              where, "use the Hugging Face folder");
}

void add_special_tokens(const Tokenizer& tokenizer, std::int64_t vocab_size, GgufMetadata& metadata) {
  const std::pair<const char*, std::optional<TokenId>> ids[] = {
      {"bos", tokenizer.bos_id()}, {"eos", tokenizer.eos_id()}, {"unknown", tokenizer.unk_id()}, {"padding", tokenizer.pad_id()}};
  for (const auto& [role, id] : ids)
    if (id && *id < vocab_size) metadata.emplace_back(fmt::format("tokenizer.ggml.{}_token_id", role), static_cast<std::uint32_t>(*id));
  const std::pair<const char*, const char*> others[] = {{"sep_token", "seperator"}, {"cls_token", "cls"}, {"mask_token", "mask"}};
  for (const auto& [name, key] : others) {
    const auto named = std::ranges::find(tokenizer.named_tokens(), name, &std::pair<std::string, std::string>::first);
    const auto id = named != tokenizer.named_tokens().end() ? tokenizer.id_of(named->second) : std::nullopt;
    if (id && *id < vocab_size) metadata.emplace_back(fmt::format("tokenizer.ggml.{}_token_id", key), static_cast<std::uint32_t>(*id));
  }
  metadata.emplace_back("tokenizer.ggml.add_bos_token", tokenizer.adds_bos());
  metadata.emplace_back("tokenizer.ggml.add_eos_token", adds_eos(tokenizer));
}

}  // namespace

GgufMetadata gguf_tokenizer_metadata(const std::string& folder, std::int64_t vocab_size) {
  const std::string where = join_path(folder, "tokenizer.json");
  const Tokenizer tokenizer = Tokenizer::from_folder(folder);  // checks the file
  const Json document = parse_json(read_file(where), where);
  TokenTable vocabulary = read_vocabulary(document, tokenizer, vocab_size, where);
  const bool sentencepiece = document["model"].value("byte_fallback", false);
  GgufMetadata metadata = {{"tokenizer.ggml.model", std::string(sentencepiece ? "llama" : "gpt2")}};
  if (sentencepiece) {
    metadata.emplace_back("tokenizer.ggml.pre", std::string("default"));
    metadata.emplace_back("tokenizer.ggml.scores", scores_from_merges(document, vocabulary, where));
    metadata.emplace_back("tokenizer.ggml.add_space_prefix", adds_space_prefix(tokenizer));
  } else {
    metadata.emplace_back("tokenizer.ggml.pre", pre_tokenizer_name(document, tokenizer, where));
    metadata.emplace_back("tokenizer.ggml.merges", merge_texts(document, where));
  }
  metadata.emplace_back("tokenizer.ggml.tokens", std::move(vocabulary.tokens));
  metadata.emplace_back("tokenizer.ggml.token_type", std::move(vocabulary.types));
  add_special_tokens(tokenizer, vocab_size, metadata);
  if (const ChatTemplate chat = ChatTemplate::from_folder(folder); chat.name() != "plain")
    metadata.emplace_back("tokenizer.chat_template", chat.source());
  return metadata;
}

}  // namespace iteralign
