#include "text/answer_stream.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace iteralign {

AnswerStream::AnswerStream(const Tokenizer& tokenizer, std::vector<std::string> stop)
    : tokenizer_(tokenizer), decoder_(tokenizer, /*skip_special_tokens=*/true), stop_(std::move(stop)) {}

std::string AnswerStream::push(TokenId id) {
  held_ += decoder_.push(id);
  // A stop string may begin in a special token, which the text does not show, and go on behind it.
  waits_ = waits_ || (!stop_.empty() && tokenizer_.is_special(id));
  if (waits_) return {};
  std::string piece = held_.substr(0, held_.size() - may_be_stop());
  held_.erase(0, piece.size());
  given_ += piece.size();
  return piece;
}

// Bytes at the end with which a stop string begins.
std::size_t AnswerStream::may_be_stop() const {
  std::size_t most = 0;
  for (const std::string& stop : stop_) {
    std::size_t length = std::min(held_.size(), stop.empty() ? 0 : stop.size() - 1);
    while (length > most && !held_.ends_with(std::string_view(stop).substr(0, length))) --length;
    most = std::max(most, length);
  }
  return most;
}

}  // namespace iteralign
