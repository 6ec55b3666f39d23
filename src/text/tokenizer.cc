#include "text/tokenizer.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/files.h"
#include "iteralign/error.h"
#include "text/added_vocabulary.h"
#include "text/bpe.h"
#include "text/declared_tokens.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_roles.h"
#include "text/unicode.h"

namespace iteralign {
namespace {

template <class Part>
Part optional_part(const JsonPart& root, const std::string& key) {
  const auto part = root.find(key);
  return part ? Part(*part) : Part();
}

std::vector<AddedToken> read_added_tokens(const JsonPart& root) {
  std::vector<AddedToken> tokens;
  if (!root.find("added_tokens")) return tokens;
  for (const JsonPart& part : root.list("added_tokens")) {
    AddedToken token;
    token.content = part.string("content");
    token.id = static_cast<TokenId>(part.integer("id"));
    token.single_word = part.boolean("single_word", false);
    token.lstrip = part.boolean("lstrip", false);
    token.rstrip = part.boolean("rstrip", false);
    token.special = part.boolean("special", false);
    token.normalized = part.boolean("normalized", !token.special);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::unordered_set<std::string> special_contents(const std::vector<AddedToken>& in_file, const DeclaredTokens& declared) {
  std::unordered_set<std::string> contents;
  for (const auto* tokens : {&in_file, &declared.added})
    for (const AddedToken& token : *tokens)
      if (token.special) contents.insert(token.content);
  return contents;
}

}  // namespace

struct Tokenizer::Parts {
  Parts(const TokenizerDocument& document, TokenizerSideFiles files, const std::string& where);

  void keep_added_tokens();
  void encode(MarkedText text, std::vector<TokenId>& ids) const;
  void encode_normalized(const MarkedText& text, bool at_start, std::vector<TokenId>& ids) const;
  [[nodiscard]] const std::string* token(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> id_of(const std::string& token) const;
  [[nodiscard]] const std::string* said_by(TokenId id) const;  // what the decoder is given
  void decode(TokenId id, bool skip_special_tokens, DecoderStream& stream, std::string& text) const;

  std::vector<AddedToken> in_file;  // added_tokens of tokenizer.json
  DeclaredTokens declared;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  Decoder decoder;
  AddedVocabulary added;
  AddedTokenMatcher raw_matcher, normalized_matcher;
  std::vector<std::string> tokens;                               // by id; empty where there is none
  std::vector<bool> special;                                     // by id
  std::unordered_map<TokenId, std::string> normalized_contents;  // of added tokens: what they stand for in the text, where it differs
  Json config;
  TokenRoles roles;
  PostProcessor post_processor;
};

Tokenizer::Parts::Parts(const TokenizerDocument& document, TokenizerSideFiles files, const std::string& where)
    : in_file(read_added_tokens(JsonPart(document.json, where))),
      declared(declared_tokens(files, in_file, where)),
      normalizer(optional_part<Normalizer>(JsonPart(document.json, where), "normalizer")),
      pre_tokenizer(optional_part<PreTokenizer>(JsonPart(document.json, where), "pre_tokenizer")),
      bpe(document, JsonPart(document.json, where).at("model"), pre_tokenizer.ends_in_byte_level(), special_contents(in_file, declared)),
      decoder(optional_part<Decoder>(JsonPart(document.json, where), "decoder")),
      added(static_cast<TokenId>(document.vocab.size()), [this](const std::string& token) { return bpe.id_of(token); }),
      config(std::move(files.config)) {
  TokenId largest = 0;
  for (const auto& entry : document.vocab) largest = std::max(largest, entry.second);
  tokens.resize(static_cast<std::size_t>(largest) + 1);
  for (const auto& [token, id] : document.vocab) tokens[static_cast<std::size_t>(id)] = token;
  keep_added_tokens();
  roles = TokenRoles(declared, [this](const std::string& token) { return id_of(token); });
  post_processor = optional_part<PostProcessor>(JsonPart(document.json, where), "post_processor");
  roles.apply_class_rule(config, post_processor);
}

void Tokenizer::Parts::keep_added_tokens() {
  added.add(in_file);
  added.add(declared.added);
  raw_matcher = added.matcher(false, normalizer);
  normalized_matcher = added.matcher(true, normalizer);
  special.resize(tokens.size());
  for (const AddedToken& token : added.tokens()) {
    const auto index = static_cast<std::size_t>(token.id);
    if (index >= tokens.size()) tokens.resize(index + 1);
    if (index >= special.size()) special.resize(index + 1);
    tokens[index] = token.content;
    special[index] = token.special;
    if (!token.normalized) continue;
    MarkedText pattern{token.content, {}};
    normalizer.apply(pattern);
    if (pattern.text != token.content) normalized_contents.emplace(token.id, pattern.text);
  }
}

std::optional<TokenId> Tokenizer::Parts::id_of(const std::string& token) const {
  const AddedToken* found = added.find(token);
  return found != nullptr ? std::optional<TokenId>(found->id) : bpe.id_of(token);
}

void Tokenizer::Parts::encode(MarkedText text, std::vector<TokenId>& ids) const {
  const std::vector<AddedTokenPiece> pieces = raw_matcher.split(text);
  if (!normalized_matcher.has_special()) text.marks.clear();  // nothing looks at them any more
  for (const AddedTokenPiece& piece : pieces) {
    if (piece.id >= 0) {
      ids.push_back(piece.id);
    } else {
      MarkedText plain = text.slice(piece.begin, piece.end);
      normalizer.apply(plain);
      encode_normalized(plain, piece.begin == 0 && plain.has_start, ids);
    }
  }
}

void Tokenizer::Parts::encode_normalized(const MarkedText& text, bool at_start, std::vector<TokenId>& ids) const {
  const std::vector<AddedTokenPiece> pieces = normalized_matcher.split(text);
  for (const AddedTokenPiece& piece : pieces) {
    if (piece.id >= 0) {
      ids.push_back(piece.id);
      continue;
    }
    std::string plain = text.text.substr(piece.begin, piece.end - piece.begin);
    const Words words = pre_tokenizer.apply(std::move(plain), at_start && piece.begin == 0);
    for (const Range& word : words.words) bpe.encode(std::string_view(words.text).substr(word.begin, word.end - word.begin), ids);
  }
}

const std::string* Tokenizer::Parts::token(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= tokens.size()) return nullptr;
  const std::string& text = tokens[static_cast<std::size_t>(id)];
  return text.empty() ? nullptr : &text;
}

void Tokenizer::Parts::decode(TokenId id, bool skip_special_tokens, DecoderStream& stream, std::string& text) const {
  const std::string* said = said_by(id);
  if (said == nullptr || (skip_special_tokens && special[static_cast<std::size_t>(id)])) return;
  stream.push(*said, text);
}

const std::string* Tokenizer::Parts::said_by(TokenId id) const {
  const auto normalized = normalized_contents.find(id);
  return normalized == normalized_contents.end() ? token(id) : &normalized->second;
}

Tokenizer::Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

Tokenizer Tokenizer::from_folder(const std::string& hf_folder) {
  const std::string path = join_path(hf_folder, "tokenizer.json");
  if (!exists(path)) {
    throw Error(ErrorKind::data, "there is no tokenizer.json", hf_folder,
                "the folder needs the fast tokenizer's file; a tokenizer.model or vocab.json alone is not read");
  }
  const auto optional_json = [&](const char* name) {
    const std::string file = join_path(hf_folder, name);
    Json json = exists(file) ? read_json(file) : Json::object();
    if (!json.is_object()) throw Error(ErrorKind::data, "is not a JSON object", file);
    return json;
  };
  TokenizerSideFiles files{optional_json("tokenizer_config.json"), optional_json("special_tokens_map.json"),
                           optional_json("added_tokens.json")};
  return Tokenizer(std::make_shared<const Parts>(parse_tokenizer_json(read_file(path), path), std::move(files), path));
}

Tokenizer Tokenizer::from_json(const Json& tokenizer_json, const Json& tokenizer_config, const std::string& where) {
  return Tokenizer(std::make_shared<const Parts>(parse_tokenizer_json(dump_json(tokenizer_json), where),
                                                 TokenizerSideFiles{.config = tokenizer_config}, where));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::vector<TokenId> ids;
  if (add_special_tokens) ids = parts_->post_processor.before;
  ids.reserve(ids.size() + text.size() / 3);
  parts_->encode({to_valid_utf8(text), {}}, ids);
  if (add_special_tokens) ids.insert(ids.end(), parts_->post_processor.behind.begin(), parts_->post_processor.behind.end());
  return ids;
}

std::vector<TokenId> Tokenizer::encode_plain(std::string_view text) const {
  const Fragment input{std::string(text), true};
  return encode_fragments({&input, 1});
}

std::vector<TokenId> Tokenizer::encode_fragments(std::span<const Fragment> fragments) const {
  MarkedText joined;
  for (const Fragment& fragment : fragments) {
    joined.text += to_valid_utf8(fragment.text);
    joined.marks.resize(joined.text.size(), fragment.is_input ? '\1' : '\0');
  }
  std::vector<TokenId> ids;
  parts_->encode(std::move(joined), ids);
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  DecoderStream stream(parts_->decoder);
  std::string text;
  for (const TokenId id : ids) parts_->decode(id, skip_special_tokens, stream, text);
  stream.finish(text);
  return text;
}

int Tokenizer::size() const { return static_cast<int>(parts_->tokens.size()); }

std::optional<TokenId> Tokenizer::id_of(std::string_view token) const { return parts_->id_of(std::string(token)); }

std::string Tokenizer::token_of(TokenId id) const {
  const std::string* token = parts_->token(id);
  return token == nullptr ? std::string() : *token;
}

std::string Tokenizer::bytes_of(TokenId id) const {
  const std::string* said = parts_->said_by(id);
  if (said == nullptr) return {};
  if (std::optional<std::string> bytes = parts_->decoder.bytes_of(*said)) return *std::move(bytes);
  throw Error(ErrorKind::data, "the tokenizer has no decoder, so its tokens are joined by spaces", "tokenizer.json",
              "an answer that follows a JSON schema cannot be written with it");
}

bool Tokenizer::is_special(TokenId id) const { return parts_->token(id) != nullptr && parts_->special[static_cast<std::size_t>(id)]; }

const std::vector<AddedToken>& Tokenizer::added_tokens() const { return parts_->added.tokens(); }
const std::vector<std::pair<std::string, std::string>>& Tokenizer::named_tokens() const { return parts_->declared.named; }
const std::string& Tokenizer::bos_token() const { return parts_->roles.bos.text; }
const std::string& Tokenizer::eos_token() const { return parts_->roles.eos.text; }
const std::string& Tokenizer::pad_token() const { return parts_->roles.pad.text; }
const std::string& Tokenizer::unk_token() const { return parts_->roles.unk.text; }
std::optional<TokenId> Tokenizer::bos_id() const { return parts_->roles.bos.id; }
std::optional<TokenId> Tokenizer::eos_id() const { return parts_->roles.eos.id; }
std::optional<TokenId> Tokenizer::pad_id() const { return parts_->roles.pad.id; }
std::optional<TokenId> Tokenizer::unk_id() const { return parts_->roles.unk.id; }

bool Tokenizer::adds_bos() const {
  const auto& before = parts_->post_processor.before;
  return !before.empty() && bos_id() && before.front() == *bos_id();
}

const Json& Tokenizer::config() const { return parts_->config; }

struct IncrementalDecoder::State {
  Tokenizer tokenizer;
  bool skip_special_tokens;
  DecoderStream stream;
};

IncrementalDecoder::IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special_tokens)
    : state_(new State{tokenizer, skip_special_tokens, DecoderStream(tokenizer.parts_->decoder)}) {}
IncrementalDecoder::~IncrementalDecoder() = default;
IncrementalDecoder::IncrementalDecoder(IncrementalDecoder&&) noexcept = default;
IncrementalDecoder& IncrementalDecoder::operator=(IncrementalDecoder&&) noexcept = default;

std::string IncrementalDecoder::push(TokenId id) {
  std::string text;
  state_->tokenizer.parts_->decode(id, state_->skip_special_tokens, state_->stream, text);
  return text;
}

std::string IncrementalDecoder::finish() {
  std::string text;
  state_->stream.finish(text);
  return text;
}

}  // namespace iteralign
