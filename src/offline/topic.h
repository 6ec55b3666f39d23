#pragma once
// Whether an answer is about its prompt, by the words that they share.

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

class Topic {
 public:
  explicit Topic(std::string_view common_words);  // keyword/common_words.txt

  // True when the answer says enough to tell and no word of it is one of the prompt's, whatever their endings; common words do not count.
  // A prompt without any other word, as one that is hidden, rules nothing out.
  [[nodiscard]] bool is_missed(std::string_view prompt, std::string_view answer) const;

 private:
  [[nodiscard]] std::vector<std::string> content_words(std::string_view text) const;

  std::set<std::string, std::less<>> common_;
};

}  // namespace iteralign
