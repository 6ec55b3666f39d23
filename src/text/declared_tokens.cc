#include "text/declared_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::array kTokenRoles = {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};
constexpr const char *kExtra = "extra_special_tokens", *kOldExtra = "additional_special_tokens";

bool same(const AddedToken& a, const AddedToken& b) {
  return a.content == b.content && a.single_word == b.single_word && a.lstrip == b.lstrip && a.rstrip == b.rstrip &&
         a.normalized == b.normalized && a.special == b.special;
}

bool is_role(const std::string& key) { return std::ranges::find(kTokenRoles, key) != kTokenRoles.end(); }

// Something like "image_token", that no other model has.
bool is_models_own(const std::string& key) { return key.ends_with("_token") && !is_role(key); }

// Null, an empty text or list.
bool is_nothing(const Json& source, const char* key) {
  const auto found = source.find(key);
  return found == source.end() || found->empty() || *found == "";
}

AddedToken special_token(std::string content) {
  AddedToken token;
  token.content = std::move(content);
  token.special = true;
  return token;
}

// A text, or an object with content and flags; nullopt when it is neither. What is only named is special.
std::optional<AddedToken> read_token(const Json& value, bool special) {
  if (value.is_string()) return special_token(value.get<std::string>());
  if (!value.is_object() || !value.contains("content") || !value["content"].is_string()) return std::nullopt;
  const auto flag = [&](const char* key, bool otherwise) {
    const auto found = value.find(key);
    return found != value.end() && found->is_boolean() ? found->get<bool>() : otherwise;
  };
  AddedToken token;
  token.content = value["content"].get<std::string>();
  token.special = special || flag("special", false);
  token.single_word = flag("single_word", false);
  token.lstrip = flag("lstrip", false);
  token.rstrip = flag("rstrip", false);
  token.normalized = flag("normalized", !token.special);
  return token;
}

// The declarations on the way from the files to what is added.
class Reading {
 public:
  Reading(const TokenizerSideFiles& files, const std::vector<AddedToken>& in_tokenizer_json, const std::string& where)
      : files_(files), in_tokenizer_json_(in_tokenizer_json), where_(where) {}

  DeclaredTokens run() {
    read_named(files_.config, false);
    read_extra(files_.config);
    const auto decoder = files_.config.find("added_tokens_decoder");
    if (decoder != files_.config.end() && decoder->is_object()) {
      read_decoder(*decoder);
    } else {
      read_named(files_.special_tokens_map, true);
      read_extra(files_.special_tokens_map);
      read_added_tokens_file();
    }
    return collect();
  }

 private:
  struct Named {
    std::string name;
    AddedToken token;
    std::ptrdiff_t place;  // roles in their order, then the model's own
  };

  void read_named(const Json& source, bool special) {
    for (const auto& [key, value] : source.items()) {
      if (!is_role(key) && !is_models_own(key)) continue;
      const auto token = read_token(value, special);
      if (token && !token->content.empty()) set_named(key, *token, /*late=*/&source == &files_.config && value.is_string());
    }
  }
  // `late`: the reference reads it after the others of the model's own.
  void set_named(const std::string& name, const AddedToken& token, bool late) {
    const auto role = std::ranges::find(kTokenRoles, name) - kTokenRoles.begin();
    const auto found = std::ranges::find(named_, name, &Named::name);
    if (found != named_.end()) {
      found->token = token;
    } else {
      named_.push_back({name, token, is_role(name) || !late ? role : role + 1});
    }
  }

  void read_extra(const Json& source) {
    const char* key = is_nothing(source, kExtra) ? kOldExtra : kExtra;
    if (is_nothing(source, key) || (key == kOldExtra && !extra_.empty())) return;
    if (source[key].is_object()) {
      for (const auto& [name, value] : source[key].items())
        if (const auto token = read_token(value, true)) set_named(name, *token, /*late=*/true);
      return;
    }
    if (!source[key].is_array()) return;
    for (const Json& value : source[key]) {
      const auto token = read_token(value, false);
      if (token && std::ranges::find(extra_, token->content, &AddedToken::content) == extra_.end()) extra_.push_back(*token);
    }
  }

  void read_decoder(const Json& decoder) {
    for (const auto& [key, value] : decoder.items()) {
      std::int64_t id = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      const auto token = value.is_object() ? read_token(value, false) : std::nullopt;
      if (error != std::errc() || end != key.data() + key.size() || !token)
        throw Error(ErrorKind::data, "added_tokens_decoder has an entry that is not an id with a token: " + key, where_);
      by_id_[id] = *token;
    }
  }

  // {"<|im_start|>": 32000}: what a role names is special, the others are words.
  void read_added_tokens_file() {
    for (const auto& [content, id] : files_.added_tokens.items()) {
      if (!id.is_number_integer()) continue;
      AddedToken token;
      token.content = content;
      token.special = is_named(content) || std::ranges::find(extra_, content, &AddedToken::content) != extra_.end();
      token.normalized = !token.special;
      by_id_[id.get<std::int64_t>()] = token;
    }
    for (const AddedToken& token : in_tokenizer_json_) by_id_[token.id] = token;
  }

  [[nodiscard]] bool is_named(const std::string& content) const {
    return std::ranges::any_of(named_, [&](const Named& entry) { return entry.token.content == content; });
  }

  DeclaredTokens collect() {
    DeclaredTokens result;
    const auto has = [&](const std::vector<AddedToken>& tokens, const std::string& content) {
      return std::ranges::find(tokens, content, &AddedToken::content) != tokens.end();
    };
    const auto add_missing = [&](const AddedToken& token) {
      if (!token.content.empty() && !has(in_tokenizer_json_, token.content) && !has(result.added, token.content))
        result.added.push_back(token);
    };
    for (const auto& [id, token] : by_id_)
      if (std::ranges::none_of(in_tokenizer_json_, [&](const AddedToken& other) { return same(token, other); }))
        result.added.push_back(token);
    std::ranges::stable_sort(named_, {}, &Named::place);
    for (const Named& entry : named_) {
      add_missing(entry.token);
      result.named.emplace_back(entry.name, entry.token.content);
    }
    for (const AddedToken& token : extra_) add_missing(token);
    for (AddedToken& token : result.added) token.special = token.special || is_named(token.content);
    return result;
  }

  const TokenizerSideFiles& files_;
  const std::vector<AddedToken>& in_tokenizer_json_;
  const std::string& where_;
  std::vector<Named> named_;
  std::vector<AddedToken> extra_;
  std::map<std::int64_t, AddedToken> by_id_;
};

}  // namespace

DeclaredTokens declared_tokens(const TokenizerSideFiles& files, const std::vector<AddedToken>& in_tokenizer_json,
                               const std::string& where) {
  return Reading(files, in_tokenizer_json, where).run();
}

}  // namespace iteralign
