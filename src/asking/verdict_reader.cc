#include "asking/verdict_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>
#include <set>
#include <vector>

#include "asking/reply_parser.h"
#include "core/strings.h"

namespace iteralign {
namespace {

// What stands around a word without changing it.
constexpr std::string_view kDecoration = " \t\r\n*_\"'`.!,;:()[]{}<>|#$\\/-";
constexpr std::string_view kTypographic[] = {"“", "”", "‘", "’", "—", "–", "。", "：", "✅", "❌"};
// An explanation that holds one of these takes the word back, or half of it.
constexpr std::string_view kHedges[] = {"but",        "however",  "maybe",  "perhaps",  "possibly",  "unsure", "uncertain",
                                        "unclear",    "although", "though", "partly",   "partially", "mostly", "somewhat",
                                        "borderline", "leaning",  "wait",   "actually", "unless"};
constexpr std::string_view kExplains[] = {"because", "since", "as ", "due to", "for "};
constexpr std::string_view kLabels[] = {"verdict", "answer",         "judgment",   "judgement", "decision",
                                        "label",   "classification", "conclusion", "boxed",     "response"};
constexpr std::string_view kQualifiers[] = {"the", "my", "final", "overall", "your", "so", "thus", "therefore", "hence", "it", "is"};

enum class Says { nothing, one, unclear };
struct Said {
  Says says = Says::nothing;
  std::string word;
};

// Everything that was found, in all places.
struct Findings {
  std::vector<std::string> words;  // in the order in which they were found
  bool contradicts = false, unclear = false;
  std::string explanation;
  std::optional<double> negative_probability;
  void add(const Said& said) {
    if (said.says == Says::one) words.push_back(said.word);
    unclear |= said.says == Says::unclear;
  }
};

bool is_word_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}

bool is_inside_word(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin > 0 && is_word_byte(text[begin - 1])) ||
         (end < text.size() && is_word_byte(text[end]) && !text.substr(end).starts_with("：") && !text.substr(end).starts_with("→"));
}

std::string_view strip(std::string_view text, bool at_end) {
  for (bool more = true; more && !text.empty();) {
    more = kDecoration.find(at_end ? text.back() : text.front()) != std::string_view::npos;
    if (more) at_end ? text.remove_suffix(1) : text.remove_prefix(1);
    for (const std::string_view mark : kTypographic)
      if (at_end ? text.ends_with(mark) : text.starts_with(mark)) {
        at_end ? text.remove_suffix(mark.size()) : text.remove_prefix(mark.size());
        more = true;
      }
  }
  return text;
}

bool is_asked(const AskedWords& asked, const std::string& word) { return asked.words.contains(word); }

bool contradict(const AskedWords& asked, const std::string& a, const std::string& b) {
  return is_asked(asked, a) && is_asked(asked, b) && asked.words.at(a).label != asked.words.at(b).label;
}

// Do they all have one label?
bool agree(const AskedWords& asked, const std::vector<std::string>& words) {
  return std::ranges::none_of(words, [&](const std::string& word) { return contradict(asked, word, words.front()); });
}

// `text` in lower case. One word, alone or with an explanation behind it.
Said said_by(const AskedWords& asked, std::string_view text) {
  for (const std::string_view end : {"<|", "</"}) text = text.substr(0, text.find(end));
  const std::string_view whole = strip(text, /*at_end=*/false), bare = strip(whole, /*at_end=*/true);
  if (is_asked(asked, std::string(bare))) return {whole.find('?') == std::string_view::npos ? Says::one : Says::unclear, std::string(bare)};

  const std::vector<std::string> all = words(text);
  const bool names_any = std::ranges::any_of(all, [&](const std::string& word) { return is_asked(asked, word); });
  const auto begins = std::ranges::find_if(asked.words, [&](const auto& known) {
    const std::string& word = known.first;
    return whole.starts_with(word) && whole.size() > word.size() && !is_word_byte(whole[word.size()]);
  });
  if (begins == asked.words.end()) return {names_any ? Says::unclear : Says::nothing, {}};
  const std::string& found = begins->first;

  const std::string_view rest = whole.substr(found.size()), start = trim(strip(rest, false));
  const bool part_of_a_word = rest.size() > 1 && rest.front() == '-' && is_word_byte(rest[1]);
  const bool mark = std::string_view(".:,;(-\n*\"'`!").find(trim(rest).front()) != std::string_view::npos ||
                    rest.find('\n') < rest.find(start) || trim(rest).starts_with("—") || trim(rest).starts_with("–");
  const bool explains = mark || std::ranges::any_of(kExplains, [&](std::string_view word) { return start.starts_with(word); });
  std::vector<std::string> more = words(rest);
  const bool short_words = found.size() <= 3;  // "no" says nothing in the middle of a sentence
  if (short_words) more.resize(std::min<std::size_t>(more.size(), 2));
  const bool takes_back = rest.find('?') != std::string_view::npos || std::ranges::any_of(more, [&](const std::string& word) {
                            return contradict(asked, word, found) || std::ranges::find(kHedges, word) != std::end(kHedges);
                          });
  if (!explains || part_of_a_word || takes_back) return {Says::unclear, {}};
  return {Says::one, found};
}

// A scalar's word; of a list or object the one word that its texts are.
Said said_by(const AskedWords& asked, const ReplyValue& value) {
  if (value.is_scalar()) return said_by(asked, to_lower(value.text));
  std::vector<std::string> found;
  for (const ReplyValue& item : value.items)
    if (const Said said = said_by(asked, item); said.says == Says::one)
      found.push_back(said.word);
    else if (said.says == Says::unclear)
      return said;
  if (found.empty()) return {Says::nothing, {}};
  return agree(asked, found) ? Said{Says::one, found.front()} : Said{Says::unclear, {}};
}

bool is_key(const AskedWords& asked, std::string key) {
  key = replace_all(to_lower(trim(key)), " ", "_");
  for (const char* prefix : {"final_", "overall_", "my_", "is_"})
    if (key.starts_with(prefix)) key.erase(0, std::string_view(prefix).size());
  return std::ranges::find(asked.keys, key) != asked.keys.end();
}

std::string explanation_in(const ReplyValue& object) {
  for (const char* key : {"reason", "rationale", "explanation", "reasoning", "analysis"})
    if (const ReplyValue* found = member(object, key); found != nullptr && found->kind == ReplyValue::Kind::text) return found->text;
  return {};
}

std::optional<double> probability_in(const ReplyValue& object) {
  const ReplyValue* found = member(object, "negative_probability");
  if (found == nullptr || !found->is_scalar()) return std::nullopt;
  double value = -1;
  const char* end = found->text.data() + found->text.size();
  const auto read = std::from_chars(found->text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end && value >= 0 && value <= 1 ? std::optional(value) : std::nullopt;
}

// The nearest members with the key: what lies deeper than one that has it says nothing.
void find_in(const AskedWords& asked, const ReplyValue& value, Findings& findings) {
  if (value.is_scalar()) {
    // The arguments of a call may be JSON as a text.
    if (value.key == "arguments" || value.key == "parameters")
      for (const ReplyValue& inner : read_reply(value.text).values) find_in(asked, inner, findings);
    return;
  }
  std::set<std::string> here;
  bool any = false, clear = false;
  for (const ReplyValue& item : value.items) {
    if (!is_key(asked, item.key)) continue;
    const Said said = said_by(asked, item);
    any = true;
    clear |= said.says == Says::one;
    here.insert(said.word);
    findings.add(said);
  }
  findings.contradicts |= clear && here.size() > 1;  // a key twice, with other values
  if (any && findings.explanation.empty()) findings.explanation = explanation_in(value);
  if (any && !findings.negative_probability) findings.negative_probability = probability_in(value);
  if (!any)
    for (const ReplyValue& item : value.items) find_in(asked, item, findings);
}

// Does what stands before `at` let a label begin there: the start of a line, sentence or clause, up to words like "the final"?
bool label_may_begin(std::string_view text, std::size_t at) {
  constexpr std::string_view kBoundary = ".,;!?)}|>:(<";
  for (;;) {
    while (at > 0 && std::string_view(" \t*_\"'`#-{\\$").find(text[at - 1]) != std::string_view::npos) --at;
    if (at == 0 || text[at - 1] == '\n' || kBoundary.find(text[at - 1]) != std::string_view::npos) return true;
    std::size_t begin = at;
    while (begin > 0 && is_word_byte(text[begin - 1])) --begin;
    if (std::ranges::find(kQualifiers, text.substr(begin, at - begin)) == std::end(kQualifiers))
      return begin != at && static_cast<unsigned char>(text[at - 1]) >= 0x80;
    at = begin;
  }
}

// The value of a label whose name ends at `at`: to the end of its line. Nothing when no separator follows.
std::optional<std::string_view> labelled_value(std::string_view text, std::size_t at) {
  const auto skip = [&](std::string_view set) {
    while (at < text.size() && set.find(text[at]) != std::string_view::npos) ++at;
  };
  skip(" \t*_\"'`)#");
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("is ") || rest.starts_with("is:"))
    at += 3;
  else if (rest.starts_with("：") || rest.starts_with("→") || rest.starts_with("—") || rest.starts_with("–"))
    at += 3;
  else if (rest.starts_with("=>") || rest.starts_with("->") || rest.starts_with("- "))
    at += 2;
  else if (!rest.empty() && std::string_view(":=>|{\n").find(rest.front()) != std::string_view::npos)
    ++at;
  else
    return std::nullopt;
  skip(" \t\r\n*_\"'`:>|=-");
  return text.substr(at, std::min(text.find('\n', at), text.size()) - at);
}

void find_labels(const AskedWords& asked, std::string_view prose, Findings& findings) {
  std::vector<std::string> labels(std::begin(kLabels), std::end(kLabels));
  for (const std::string& key : asked.keys)
    if (std::ranges::find(labels, key) == labels.end()) labels.push_back(key);
  for (const std::string& label : labels) {
    for (std::size_t at = 0; (at = prose.find(label, at)) != std::string_view::npos; at += label.size()) {
      const std::size_t end = at + label.size();
      if (is_inside_word(prose, at, end) || !label_may_begin(prose, at)) continue;
      if (const auto value = labelled_value(prose, end); value && (label != "response" || prose.substr(end).starts_with(" is ")))
        findings.add(said_by(asked, *value));
    }
  }
}

// The reply as a whole, or its first or last line when that is nothing but the word and no other line has another one.
Said whole_reply(const AskedWords& asked, std::string_view prose) {
  const std::string_view text = trim(prose);
  const Said whole = said_by(asked, text);
  if (whole.says == Says::one) return whole;
  for (const std::string_view line : {text.substr(0, text.find('\n')), text.substr(text.rfind('\n') + 1)}) {
    const std::string word(strip(strip(line, false), true));
    if (line.find('?') != std::string_view::npos || !is_asked(asked, word)) continue;
    const auto all = words(text);
    const bool alone = std::ranges::none_of(all, [&](const std::string& other) {
      return contradict(asked, other, word) || std::ranges::find(kHedges, other) != std::end(kHedges);
    });
    return {alone ? Says::one : Says::unclear, word};
  }
  return whole;
}

}  // namespace

SaidWord read_word(const AskedWords& asked, std::string_view reply) {
  if (trim(reply).empty()) return {{}, "is empty", {}};
  const Reading reading = read_reply(reply);
  const std::string prose = to_lower(reading.prose);
  Findings findings;
  for (const ReplyValue& value : reading.values) find_in(asked, value, findings);
  find_labels(asked, prose, findings);
  if (findings.words.empty() && reading.values.empty()) findings.add(whole_reply(asked, prose));
  if (findings.contradicts || !agree(asked, findings.words)) return {{}, "says more than one thing", {}};
  if (findings.words.empty()) return {{}, findings.unclear ? "is not clear" : "names no " + asked.keys.front(), {}};
  return {findings.words.front(), {}, findings.explanation, findings.negative_probability};
}

}  // namespace iteralign
