#include "text/renderer.h"

#include <algorithm>

#include "core/strings.h"
#include "core/thought.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::string normal_role(const std::string& role) {
  const std::string lower = to_lower(role);
  if (lower == "human") return "user";
  if (lower == "gpt" || lower == "model" || lower == "bot") return "assistant";
  return lower;
}

Messages normalized(Messages messages) {
  for (Message& message : messages) message.role = normal_role(message.role);
  return messages;
}

// A system message goes in front of the user turn that follows it: "S\n\nU".
Messages fold_system(const Messages& messages) {
  Messages folded;
  std::string system;
  for (const Message& message : messages) {
    if (message.role == "system") {
      system += message.content + "\n\n";
    } else {
      folded.push_back(message);
      if (message.role == "user") folded.back().content = std::exchange(system, {}) + message.content;
    }
  }
  if (!system.empty()) folded.push_back({"user", system.substr(0, system.size() - 2)});
  return folded;
}

// What of a rendered text comes after `begin`.
std::vector<Fragment> tail_of(const Rendered& rendered, std::size_t begin) {
  std::vector<Fragment> tail;
  for (const Fragment& fragment : rendered.fragments) {
    const std::size_t skipped = std::min(begin, fragment.text.size());
    begin -= skipped;
    if (skipped < fragment.text.size()) tail.push_back({fragment.text.substr(skipped), fragment.is_input});
  }
  return tail;
}

}  // namespace

Renderer::Renderer(std::shared_ptr<const Tokenizer> tokenizer, ChatTemplate chat_template, std::string date)
    : tokenizer_(std::move(tokenizer)),
      chat_template_(std::move(chat_template)),
      variables_(special_token_variables(*tokenizer_)),
      date_(std::move(date)) {
  folds_system_ = !shows_system();
  stop_ids_ = find_stop_ids();
  thought_opening_ = find_thought_opening();
}

// Does the template show a system message, both in a prompt and before an answer?
bool Renderer::shows_system() const {
  const Messages probe = {{"system", "kSystemProbe"}, {"user", "kUserProbe"}, {"assistant", "kAnswerProbe"}};
  try {
    return contains(text({probe[0], probe[1]}, true), probe[0].content) && contains(text(probe, false), probe[0].content);
  } catch (const Error&) {
    return false;
  }
}

std::vector<TokenId> Renderer::find_stop_ids() const {
  std::vector<TokenId> ids;
  if (const auto eos = tokenizer_->eos_id()) ids.push_back(*eos);
  try {
    const Rendered turn = render({{"user", "kUserProbe"}, {"assistant", "kAnswerProbe"}}, false);
    const auto tail = tokenizer_->encode_fragments(tail_of(turn, turn.last_end));
    const auto end = std::find_if(tail.begin(), tail.end(), [this](TokenId id) { return tokenizer_->is_special(id); });
    if (end != tail.end() && std::find(ids.begin(), ids.end(), *end) == ids.end()) ids.push_back(*end);
  } catch (const Error&) {
    // A template that refuses the plainest conversation says so when it is used.
  }
  return ids;
}

std::string Renderer::find_thought_opening() const {
  try {
    return std::string(begun_thought(text({{"user", "kUserProbe"}}, true)));
  } catch (const Error&) {
    return {};  // as above
  }
}

Rendered Renderer::render(const Messages& messages, bool add_generation_prompt) const {
  const Messages normal = normalized(messages);
  RenderOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.variables = variables_;
  options.date = date_;
  return chat_template_.render(folds_system_ ? fold_system(normal) : normal, options);
}

std::vector<TokenId> Renderer::encode(const Rendered& rendered) const {
  std::vector<TokenId> ids = tokenizer_->encode_fragments(rendered.fragments);
  const auto bos = tokenizer_->bos_id();
  if (tokenizer_->adds_bos() && bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

std::vector<TokenId> Renderer::prompt(const Messages& messages, const std::string& prefill) const {
  if (prefill.empty()) return encode(render(messages, true));
  if (!ends_answered(messages)) {
    Messages begun = messages;
    begun.push_back({"assistant", prefill});
    const Rendered turn = render(begun, false);
    if (turn.last_begin < turn.last_end) return encode(turn.cut_at(turn.last_end));
  }
  Rendered open = render(messages, true);  // the template strips what is only white space
  open.fragments.push_back({prefill, true});
  return encode(open);
}

bool Renderer::ends_answered(const Messages& messages) { return !messages.empty() && normal_role(messages.back().role) == "assistant"; }

// The first tokens of an example up to the end of the thought in its last message; 0 where the template shows none.
std::size_t Renderer::tokens_of_thought(const Rendered& full, const std::vector<TokenId>& ids) const {
  const std::string shown = full.text();
  std::size_t end = 0;
  for (const auto& [open, close] : thought_marks())
    if (const auto at = shown.find(close, full.last_begin); at != std::string::npos && at < full.last_end)
      end = std::max(end, at + close.size());
  if (end == 0) return 0;
  const std::vector<TokenId> before = encode(full.cut_at(end));
  return static_cast<std::size_t>(std::mismatch(ids.begin(), ids.end(), before.begin(), before.end()).first - ids.begin());
}

Renderer::Example Renderer::example(const Messages& messages, const std::string& completion, bool complete, bool learn_thoughts) const {
  Messages answered = messages;
  answered.push_back({"assistant", completion});
  const Rendered full = render(answered, false);
  if (full.last_begin == full.last_end)
    throw Error(ErrorKind::data, "nothing of the completion is in the rendered text", chat_template_.name());

  Example example;
  const auto is_special = [this](TokenId id) { return tokenizer_->is_special(id); };
  const auto tail = tokenizer_->encode_fragments(tail_of(full, full.last_end));
  const auto specials_after = std::count_if(tail.begin(), tail.end(), is_special);
  if (complete && specials_after > 0) {
    // A special token is encoded alone, so the end of turn is as many specials from the end here as it is in the tail.
    example.ids = encode(full);
    auto end = example.ids.end();
    for (auto n = specials_after; n > 0; --n) {
      do --end;
      while (!is_special(*end));
    }
    example.ids.erase(end + 1, example.ids.end());
  } else {
    example.ids = encode(full.cut_at(full.last_end));
    if (const auto eos = tokenizer_->eos_id(); complete && eos) example.ids.push_back(*eos);
  }

  // The prompt is what it shares with the tokens that generation starts from: all of them, unless a merge spans the border or
  // the generation prompt is worded otherwise (think tags).
  const std::vector<TokenId> prompt_ids = prompt(messages);
  const auto border = std::mismatch(example.ids.begin(), example.ids.end(), prompt_ids.begin(), prompt_ids.end()).first;
  example.loss.assign(static_cast<std::size_t>(border - example.ids.begin()), 0);
  example.loss.resize(example.ids.size(), 1);
  if (!learn_thoughts && !split_thought(completion).thought.empty())
    std::fill_n(example.loss.begin(), tokens_of_thought(full, example.ids), std::uint8_t{0});
  return example;
}

std::vector<TokenId> Renderer::raw(std::string_view raw_text) const { return tokenizer_->encode(raw_text, true); }

std::string Renderer::text(const Messages& messages, bool add_generation_prompt) const {
  return render(messages, add_generation_prompt).text();
}

}  // namespace iteralign
