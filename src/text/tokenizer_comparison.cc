#include "text/tokenizer_comparison.h"

#include <algorithm>
#include <array>
#include <vector>

#include "text/unicode.h"

namespace iteralign {
namespace {

constexpr std::array kTexts = {"Hello",
                               " Hello",
                               "  Hello",
                               "Hello world ",
                               " ",
                               "   ",
                               "\n",
                               "\n\n Hello\n",
                               "\t\tx = 1;\r\n",
                               "I'll, we've, IT'S o'clock",
                               "3 33 333 3333 33333.5",
                               "http://a.b/c?d=1#e_f-g",
                               "camelCaseWORDs and ABCdef/ghi",
                               "caf\u00e9, na\u00efve, \u041f\u0440\u0438\u0432\u0435\u0442",
                               "\u6f22\u5b57\u304b\u306a \ud55c\uae00\u3002",
                               "\u0928\u092e\u0938\u094d\u0924\u0947 \u0627\u0644\u0633\u0644\u0627\u0645",
                               "\U0001f600\U0001f468\u200d\U0001f469 !?... \u2026\u201c\u201d"};

// Added tokens as they stand in chats: after text, before a line break, before a space.
std::vector<std::string> texts_with(const std::string& token) { return {token, "a" + token + "b", "a " + token + " b\n" + token + "\nc"}; }

}  // namespace

std::optional<std::string> differing_text(const Tokenizer& a, const Tokenizer& b) {
  for (const char* text : kTexts)
    if (a.encode(text, true) != b.encode(text, true)) return text;
  for (const AddedToken& token : a.added_tokens())
    for (std::string& text : texts_with(token.content))
      if (a.encode(text, false) != b.encode(text, false)) return std::move(text);
  for (TokenId id = 0; id < a.size(); ++id) {
    std::string text = a.decode({&id, 1}, false);
    if (a.encode_plain(text) != b.encode_plain(text)) return text;
  }
  return std::nullopt;
}

}  // namespace iteralign
