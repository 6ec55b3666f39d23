#include "lab/bpe_trainer.h"

#include <array>
#include <map>
#include <utility>

#include "iteralign/error.h"

namespace iteralign {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
int kind_of(char c) { return is_letter(c) ? 0 : is_digit(c) ? 1 : is_space(c) ? 2 : 3; }

// GPT-2's pattern: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
std::size_t word_length(std::string_view text) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.starts_with(ending)) return ending.size();
  std::size_t end = text[0] == ' ' && text.size() > 1 && !is_space(text[1]) ? 1 : 0;
  const int kind = kind_of(text[end]);
  while (end < text.size() && kind_of(text[end]) == kind) ++end;
  return kind == 2 && end > 1 && end < text.size() ? end - 1 : end;  // the last space goes with the word behind
}

// The printable character that stands for each byte, as UTF-8.
std::array<std::string, 256> byte_characters() {
  const auto utf8 = [](unsigned code) {
    return code < 0x80 ? std::string(1, static_cast<char>(code))
                       : std::string{static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
  };
  std::array<std::string, 256> characters;
  unsigned next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    characters[byte] = utf8(printable ? byte : next++);
  }
  return characters;
}

using Pair = std::pair<int, int>;

struct Word {
  std::vector<int> tokens;
  long count = 0;
};

std::vector<Word> count_words(const std::vector<std::string>& texts, int first_byte) {
  std::map<std::string, long> counts;
  for (const auto& text : texts)
    for (std::string_view rest = text; !rest.empty();) {
      const auto length = word_length(rest);
      ++counts[std::string(rest.substr(0, length))];
      rest.remove_prefix(length);
    }
  std::vector<Word> words;
  for (const auto& [text, count] : counts) {
    Word word{{}, count};
    for (const char c : text) {
      ITERALIGN_CHECK(static_cast<unsigned char>(c) < 0x80, "the trainer's word pattern knows ASCII alone");
      word.tokens.push_back(first_byte + static_cast<unsigned char>(c));
    }
    words.push_back(std::move(word));
  }
  return words;
}

// How often each pair of neighbours occurs in the words.
class PairCounts {
 public:
  void add(const Word& word, int sign) {
    for (std::size_t i = 1; i < word.tokens.size(); ++i) {
      const auto found = counts_.try_emplace({word.tokens[i - 1], word.tokens[i]}, 0).first;
      found->second += sign * word.count;
      if (found->second == 0) counts_.erase(found);
    }
  }

  // Of equally frequent pairs the one with the smaller tokens; {-1, -1} when there is none.
  [[nodiscard]] Pair most_frequent() const {
    Pair best{-1, -1};
    long most = 0;
    for (const auto& [pair, count] : counts_)
      if (count > most) {
        most = count;
        best = pair;
      }
    return best;
  }

 private:
  std::map<Pair, long> counts_;
};

// Joins the pair to one token wherever it occurs, and counts anew in those words.
void merge(std::vector<Word>& words, PairCounts& counts, Pair pair, int merged) {
  for (auto& word : words) {
    std::vector<int> tokens;
    for (std::size_t i = 0; i < word.tokens.size(); ++i) {
      const bool here = i + 1 < word.tokens.size() && word.tokens[i] == pair.first && word.tokens[i + 1] == pair.second;
      tokens.push_back(here ? merged : word.tokens[i]);
      i += here;
    }
    if (tokens.size() == word.tokens.size()) continue;
    counts.add(word, -1);
    word.tokens = std::move(tokens);
    counts.add(word, 1);
  }
}

Json added_token(int id, const std::string& content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

}  // namespace

Json train_bpe(const std::vector<std::string>& texts, int vocab_size, const std::vector<std::string>& special_tokens) {
  std::vector<std::string> tokens = special_tokens;
  const int first_byte = static_cast<int>(tokens.size());
  for (const auto& character : byte_characters()) tokens.push_back(character);

  std::vector<Word> words = count_words(texts, first_byte);
  PairCounts counts;
  for (const auto& word : words) counts.add(word, 1);
  Json merges = Json::array();
  while (static_cast<int>(tokens.size()) < vocab_size) {
    const Pair pair = counts.most_frequent();
    if (pair.first < 0) break;
    const auto &left = tokens[static_cast<std::size_t>(pair.first)], &right = tokens[static_cast<std::size_t>(pair.second)];
    merges.push_back(Json::array({left, right}));
    merge(words, counts, pair, static_cast<int>(tokens.size()));
    tokens.push_back(left + right);
  }

  Json vocabulary = Json::object(), added = Json::array();
  for (std::size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id]] = id;
  for (std::size_t id = 0; id < special_tokens.size(); ++id) added.push_back(added_token(static_cast<int>(id), special_tokens[id]));
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", std::move(added)},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", std::move(vocabulary)},
            {"merges", std::move(merges)}}}};
}

}  // namespace iteralign
