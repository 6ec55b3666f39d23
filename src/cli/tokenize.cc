// iteralign tokenize: text to token ids, and back.

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "core/files.h"
#include "formats/checkpoint.h"
#include "iteralign/error.h"
#include "text/tokenizer.h"

namespace iteralign {
namespace {

struct TokenizeFlags {
  std::string model, text, file;
  bool no_special = false, json = false, decode = false;
};

Json encode(const Tokenizer& tokenizer, const std::string& text, bool special) {
  const auto ids = tokenizer.encode(text, special);
  Json tokens = Json::array();
  for (const auto id : ids) tokens.push_back(tokenizer.token_of(id));
  return {{"ids", ids}, {"tokens", tokens}};
}

// The text, the text without special tokens, and the pieces in which generation shows it.
Json decode(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  IncrementalDecoder decoder(tokenizer, /*skip_special_tokens=*/false);
  Json pieces = Json::array();
  for (const TokenId id : ids) pieces.push_back(decoder.push(id));
  pieces.push_back(decoder.finish());
  return {{"decoded", tokenizer.decode(ids, false)}, {"without_special", tokenizer.decode(ids, true)}, {"pieces", pieces}};
}

void decode_lines(const Tokenizer& tokenizer, const TokenizeFlags& flags) {
  const std::string content = read_file(flags.file);
  int number = 0;
  for (const auto line : split_lines(content)) {
    const std::string where = fmt::format("{}:{}", flags.file, ++number);
    const Json ids = parse_json(line, where);
    const auto is_id = [](const Json& id) { return id.is_number_unsigned() && id <= std::numeric_limits<TokenId>::max(); };
    if (!ids.is_array() || !std::all_of(ids.begin(), ids.end(), is_id)) throw Error(ErrorKind::data, "is not a list of token ids", where);
    print_json(decode(tokenizer, ids.get<std::vector<TokenId>>()));
  }
}

void tokenize_lines(const Tokenizer& tokenizer, const TokenizeFlags& flags) {
  const std::string content = read_file(flags.file);
  int number = 0;
  for (const auto line : split_lines(content)) {
    const std::string where = fmt::format("{}:{}", flags.file, ++number);
    const Json text = parse_json(line, where);
    if (!text.is_string()) throw Error(ErrorKind::data, "is not a JSON string", where);
    Json result = encode(tokenizer, text, !flags.no_special);
    result["decoded"] = tokenizer.decode(result["ids"].get<std::vector<TokenId>>(), /*skip_special_tokens=*/false);
    print_json(result);
  }
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto flags = std::make_shared<TokenizeFlags>();
  auto* verb = app.add_subcommand("tokenize", "text to token ids");
  verb->add_option("--model", flags->model, "Hugging Face folder, or org/name in the local cache")->required();
  auto* text = verb->add_option("--text", flags->text, "one text");
  auto* file = verb->add_option("--file", flags->file, "JSON Lines of strings; one result a line, with the decoded text");
  auto* decode = verb->add_flag("--decode", flags->decode, "the file has lists of token ids instead: one result a line, text");
  text->excludes(file);
  decode->excludes(text);
  verb->add_flag("--no-special", flags->no_special, "without the tokens that the tokenizer adds (BOS)");
  verb->add_flag("--json", flags->json, "ids and tokens as JSON");
  verb->callback([flags, text, file] {
    if (text->count() + file->count() == 0) throw Error(ErrorKind::usage, "needs --text or --file", "tokenize");
    const auto tokenizer = Tokenizer::from_folder(resolve_model_path(flags->model));
    if (flags->decode) return decode_lines(tokenizer, *flags);
    if (file->count() > 0) return tokenize_lines(tokenizer, *flags);
    const Json result = encode(tokenizer, flags->text, !flags->no_special);
    if (flags->json) return print_json(result);
    for (std::size_t i = 0; i < result["ids"].size(); ++i)
      print_line(fmt::format("{:>8}  {}", result["ids"][i].get<TokenId>(), result["tokens"][i].get<std::string>()));
  });
}

}  // namespace iteralign
