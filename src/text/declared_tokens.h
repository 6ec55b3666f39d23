#pragma once
// The tokens that the files beside tokenizer.json declare, as transformers 5 reads them: what tokenizer_config.json says of a token
// goes before what tokenizer.json says, and tokens that only these files have are tokens too.

#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "text/added_token.h"

namespace iteralign {

// Objects; empty where there is no such file.
struct TokenizerSideFiles {
  Json config = Json::object();              // tokenizer_config.json
  Json special_tokens_map = Json::object();  // special_tokens_map.json, read when the configuration has no added_tokens_decoder
  Json added_tokens = Json::object();        // added_tokens.json, likewise
};

struct DeclaredTokens {
  // To be added behind those of tokenizer.json, in this order; one that is there already gets these flags. No ids.
  std::vector<AddedToken> added;
  // Name and text: bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token and what the model names itself.
  std::vector<std::pair<std::string, std::string>> named;
};

// `in_tokenizer_json`: its added_tokens. Throws Error data at `where` for an added token that cannot be read.
DeclaredTokens declared_tokens(const TokenizerSideFiles& files, const std::vector<AddedToken>& in_tokenizer_json, const std::string& where);

}  // namespace iteralign
