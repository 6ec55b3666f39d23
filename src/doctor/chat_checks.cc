#include "doctor/chat_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "core/clock.h"
#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

const Messages kPrompt = {{"user", "What is the capital of France?"}};
const std::string kAnswer = "The capital of France is Paris.";
const std::string kNextPrompt = "And of Spain?";

Messages answered() {
  Messages messages = kPrompt;
  messages.push_back({"assistant", kAnswer});
  return messages;
}

Rendered render(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const Messages& messages, bool add_generation_prompt) {
  RenderOptions options;
  options.add_generation_prompt = add_generation_prompt;
  options.variables = special_token_variables(tokenizer);
  options.date = template_time();
  return chat_template.render(messages, options);
}

std::vector<TokenId> specials(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> ids = tokenizer.encode(text, false);
  std::erase_if(ids, [&](TokenId id) { return !tokenizer.is_special(id); });
  return ids;
}

// What the template writes behind an answer.
std::string tail(const Renderer& renderer) {
  const Rendered turn = render(renderer.chat_template(), renderer.tokenizer(), answered(), false);
  if (turn.last_begin == turn.last_end)
    throw Error(ErrorKind::data, "the template does not show the assistant's answer", renderer.chat_template().name(),
                "use the template of this model");
  return turn.text().substr(turn.last_end);
}

std::vector<std::string> control_tokens_of(const std::string& text) {
  // <|im_end|>, <end_of_turn>, <s>, </s>, and DeepSeek's with wide bars.
  static const std::regex pattern("<\\|[^\\s<>|]{1,60}\\|>|<[a-z]+_of_[a-z]+>|</?s>|<[be]os>|<\xEF\xBD\x9C[^<>]{1,80}\xEF\xBD\x9C>");
  std::vector<std::string> tokens;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    if (std::ranges::find(tokens, match->str()) == tokens.end()) tokens.push_back(match->str());
  return tokens;
}

// Does an end of turn come only when another turn follows? Then it is never behind the last answer, the one that is learnt.
std::optional<TokenId> end_before_next_turn(const Renderer& renderer) {
  const Tokenizer& tokenizer = renderer.tokenizer();
  Messages messages = answered();
  messages.push_back({"user", kNextPrompt});
  const std::string text = render(renderer.chat_template(), tokenizer, messages, false).text();
  const auto prompt = text.find(kPrompt[0].content), answer = text.find(kAnswer), next = text.rfind(kNextPrompt);
  if (prompt == std::string::npos || answer == std::string::npos || next == std::string::npos || next < answer) return std::nullopt;
  const auto opening = specials(tokenizer, text.substr(0, prompt));
  for (const TokenId id : specials(tokenizer, text.substr(answer + kAnswer.size(), next - answer - kAnswer.size())))
    if (std::ranges::find(opening, id) == opening.end()) return id;
  return std::nullopt;
}

void explain_missing_end(const Renderer& renderer, const std::string& after_answer, Findings& findings) {
  const Tokenizer& tokenizer = renderer.tokenizer();
  const std::string word(trim(after_answer));
  if (renderer.chat_template().name() == "plain") {
    findings.warn("end_of_turn",
                  fmt::format("the model has no chat template; answers are learnt with the end `{}`, which no other program writes",
                              tokenizer.eos_token()),
                  "give the folder a chat_template.jinja");
  } else if (const auto late = end_before_next_turn(renderer)) {
    findings.fault(
        "end_of_turn",
        fmt::format("the template writes {} only before the next turn, outside of the assistant's: behind the answer that is learnt "
                    "there is none, so a model does not learn to stop",
                    quoted(tokenizer, *late)),
        "let the template write it directly behind the assistant's content");
  } else if (!word.empty() && tokenizer.id_of(word)) {
    findings.fault(
        "end_of_turn",
        fmt::format("the template ends a turn with {}, which tokenizer.json does not mark as special: it does not count as an end",
                    quoted(tokenizer, *tokenizer.id_of(word))),
        "set \"special\": true for it in added_tokens of tokenizer.json");
  } else if (!control_tokens_of(after_answer).empty()) {
    findings.fault("end_of_turn", fmt::format("the template ends a turn with `{}`, which is no token of this vocabulary", word),
                   "use the template of this model");
  } else {
    findings.fault("end_of_turn",
                   "the template writes no end of turn behind the assistant's answer: other trainers teach the model never to stop",
                   "let the template write <|im_end|>, {{ eos_token }} or what this model ends a turn with behind the assistant's content");
  }
}

// What trainers learn that look at {% generation %} alone; nothing where the template has no such tag.
std::optional<std::string> marked_for_training(const Renderer& renderer) {
  static const std::regex begin(R"(\{%[-+]?\s*generation\s*[-+]?%\})"), end(R"(\{%[-+]?\s*endgeneration\s*[-+]?%\})");
  const std::string& source = renderer.chat_template().source();
  if (!std::regex_search(source, begin)) return std::nullopt;
  const std::string opened = std::regex_replace(source, begin, "$&{{ 'kGenerationBegins' }}");
  const std::string marked = std::regex_replace(opened, end, "{{ 'kGenerationEnds' }}$&");
  const auto marked_template = ChatTemplate::from_source(marked, renderer.chat_template().name());
  const std::string text = render(marked_template, renderer.tokenizer(), answered(), false).text();
  const auto from = text.find("kGenerationBegins"), to = text.find("kGenerationEnds");
  return from == std::string::npos || to == std::string::npos ? std::string() : text.substr(from, to - from);
}

std::size_t leading(const std::vector<TokenId>& ids, TokenId id) {
  return static_cast<std::size_t>(std::ranges::find_if(ids, [id](TokenId other) { return other != id; }) - ids.begin());
}

// Turns open with these in models that have them.
std::vector<std::string> turn_openers(const Tokenizer& tokenizer) {
  std::vector<std::string> known;
  for (const char* token : {"<|im_start|>", "<|start_header_id|>", "<start_of_turn>", "<|user|>", "[INST]", "<|header_start|>"})
    if (const auto id = tokenizer.id_of(token); id && tokenizer.is_special(*id)) known.emplace_back(token);
  return known;
}

// `chat_template` of tokenizer_config.json; empty when there is none.
std::string configured_template(const Json& config) {
  const Json found = config.value("chat_template", Json());
  if (found.is_string()) return found;
  if (found.is_array())
    for (const Json& entry : found)
      if (entry.is_object() && entry.value("name", Json()) == "default" && entry.value("template", Json()).is_string())
        return entry["template"];
  return {};
}

// The text, or that there is none.
std::string render_or_refusal(const ChatTemplate& chat_template, const Tokenizer& tokenizer, const Messages& messages, bool prompt) {
  try {
    return render(chat_template, tokenizer, messages, prompt).text();
  } catch (const Error&) {
    return "(refused)";
  }
}

}  // namespace

std::vector<ExampleToken> example_tokens(const Renderer& renderer) {
  const Renderer::Example example = renderer.example(kPrompt, kAnswer);
  const auto end = end_of_turn_id(renderer);
  std::vector<ExampleToken> tokens;
  for (std::size_t i = 0; i < example.ids.size(); ++i) {
    const bool last = i + 1 == example.ids.size();
    tokens.push_back(
        {example.ids[i], renderer.tokenizer().token_of(example.ids[i]), example.loss[i] != 0, last && end && *end == example.ids[i]});
  }
  return tokens;
}

std::optional<TokenId> end_of_turn_id(const Renderer& renderer) {
  const auto ids = specials(renderer.tokenizer(), tail(renderer));
  return ids.empty() ? renderer.tokenizer().eos_id() : std::optional<TokenId>(ids.front());
}

std::vector<std::string> control_tokens(const Renderer& renderer) {
  std::string own;  // what the template writes itself
  for (const bool prompt : {false, true}) {
    const Rendered rendered = render(renderer.chat_template(), renderer.tokenizer(), prompt ? kPrompt : answered(), prompt);
    for (const Fragment& fragment : rendered.fragments) own += fragment.is_input ? " " : fragment.text;
  }
  return control_tokens_of(own);
}

std::string first_difference(const Renderer& renderer, const ChatTemplate& other) {
  Messages with_system = answered(), longer = answered();
  with_system.insert(with_system.begin(), {"system", "Be brief."});
  longer.push_back({"user", kNextPrompt});
  const std::vector<std::pair<const char*, std::pair<Messages, bool>>> conversations = {{"a prompt", {kPrompt, true}},
                                                                                        {"an answer", {answered(), false}},
                                                                                        {"a system message", {with_system, false}},
                                                                                        {"a second turn", {longer, true}}};
  for (const auto& [label, conversation] : conversations) {
    const auto& [messages, prompt] = conversation;
    if (render_or_refusal(renderer.chat_template(), renderer.tokenizer(), messages, prompt) !=
        render_or_refusal(other, renderer.tokenizer(), messages, prompt))
      return label;
  }
  return {};
}

void check_end_of_turn(const Renderer& renderer, Findings& findings) {
  const Tokenizer& tokenizer = renderer.tokenizer();
  const std::string after_answer = tail(renderer);
  const auto ends = specials(tokenizer, after_answer);
  if (ends.empty()) return explain_missing_end(renderer, after_answer, findings);
  const TokenId end = ends.front();
  const Renderer::Example example = renderer.example(kPrompt, kAnswer);
  const auto marked = marked_for_training(renderer);
  if (example.ids.back() != end || example.loss.back() == 0) {
    findings.fault("end_of_turn", fmt::format("the end of turn {} is masked out: training does not learn it", quoted(tokenizer, end)),
                   "let the template write it directly behind the assistant's content, and not in the generation prompt");
  } else if (marked && !contains(*marked, tokenizer.token_of(end))) {
    findings.fault(
        "end_of_turn",
        fmt::format("the end of turn {} stands outside of {{% generation %}}: trainers that learn what it marks (assistant_only_loss) "
                    "mask it out",
                    quoted(tokenizer, end)),
        "move {% endgeneration %} behind the end of turn");
  } else {
    findings.ok("end_of_turn",
                fmt::format("{} ends the assistant's turn, is one token, is learnt, and generation stops at it", quoted(tokenizer, end)));
  }
}

void check_loss_mask(const Renderer& renderer, Findings& findings) {
  const Renderer::Example example = renderer.example(kPrompt, kAnswer);
  std::vector<TokenId> learnt;
  for (std::size_t i = 0; i < example.ids.size(); ++i)
    if (example.loss[i] != 0) learnt.push_back(example.ids[i]);
  const std::string text = renderer.tokenizer().decode(learnt, /*skip_special_tokens=*/false);
  const auto answer = text.find(kAnswer);
  if (answer == std::string::npos) {
    findings.fault("loss_mask", fmt::format("what is learnt is `{}`, not the whole answer `{}`", text, kAnswer),
                   "the template changes the assistant's content; let it write it as it is");
  } else if (const std::string before(trim(text.substr(0, answer))); !before.empty()) {
    findings.warn("loss_mask", fmt::format("`{}` before the answer is learnt too: the generation prompt does not write it", before),
                  "let the template write it where add_generation_prompt is true");
  } else {
    findings.ok("loss_mask", fmt::format("{} of {} tokens are learnt: the answer and its end", learnt.size(), example.ids.size()));
  }
}

void check_bos(const Renderer& renderer, Findings& findings) {
  const Tokenizer& tokenizer = renderer.tokenizer();
  const auto bos = tokenizer.bos_id();
  if (!bos) return findings.ok("double_bos", "the tokenizer has no BOS");
  const auto count = [&](const std::vector<TokenId>& ids) { return leading(ids, *bos); };
  const std::string text = render(renderer.chat_template(), tokenizer, kPrompt, true).text();
  const std::size_t of_template = count(tokenizer.encode(text, false)), of_tokenizer = count(tokenizer.encode("a", true));
  const std::string token = quoted(tokenizer, *bos);
  if (of_template > 1 || of_tokenizer > 1 || count(renderer.prompt(kPrompt)) > 1) {
    findings.fault("double_bos",
                   fmt::format("a prompt begins with more than one BOS {}: the template writes {}, the tokenizer adds {}", token,
                               of_template, of_tokenizer),
                   of_template > 1 ? "let the template write it once" : "let the post_processor of tokenizer.json add it once");
  } else if (of_template + of_tokenizer > 1) {
    findings.warn(
        "double_bos",
        fmt::format("both the template and the tokenizer write BOS {}: a program that encodes the rendered text with special tokens "
                    "has a double BOS (iteralign writes it once)",
                    token),
        "encode rendered text with add_special_tokens=False, or take it from one of the two");
  } else if (of_tokenizer == 1) {
    findings.warn(
        "double_bos",
        fmt::format("the tokenizer adds BOS {}, the template does not write it: programs that encode rendered text without special "
                    "tokens leave it out",
                    token),
        "begin the template with {{ bos_token }}");
  } else {
    findings.ok("double_bos", of_template == 1 ? "the template writes BOS " + token + " once" : "nothing writes BOS, once or twice");
  }
}

void check_control_tokens(const Renderer& renderer, Findings& findings) {
  const Tokenizer& tokenizer = renderer.tokenizer();
  if (renderer.chat_template().name() == "plain") return findings.warn("control_tokens", "the model has no chat template", "give it one");
  const auto written = control_tokens(renderer);
  std::vector<std::string> pieces, ordinary;
  for (const std::string& token : written) {
    const auto ids = tokenizer.encode(token, false);
    if (ids.size() != 1)
      pieces.push_back(fmt::format("`{}` ({} tokens)", token, ids.size()));
    else if (!tokenizer.is_special(ids[0]))
      ordinary.push_back("`" + token + "`");
  }
  const auto openers = turn_openers(tokenizer);
  const bool foreign = !openers.empty() && std::ranges::none_of(openers, [&](const std::string& opener) {
    return contains(renderer.text(kPrompt, true), opener);
  });
  if (!pieces.empty()) {
    findings.fault(
        "control_tokens",
        "wrong template: it writes control tokens that are no tokens of this vocabulary, and so become plain text: " + enumerate(pieces),
        "use the template of this model");
  } else if (foreign) {
    findings.warn("control_tokens",
                  fmt::format("perhaps the wrong template: the vocabulary has `{}`, which the template never writes", openers.front()),
                  "use the template of this model");
  } else if (!ordinary.empty()) {
    findings.warn("control_tokens", "the template writes tokens that tokenizer.json does not mark as special: " + enumerate(ordinary),
                  "set \"special\": true for them in added_tokens of tokenizer.json");
  } else {
    findings.ok("control_tokens", written.empty() ? "the template writes no control tokens" : "each is one token: " + enumerate(written));
  }
}

void check_template_files(const Renderer& renderer, const std::string& folder, Findings& findings) {
  const std::string file = join_path(folder, "chat_template.jinja"), config = join_path(folder, "tokenizer_config.json");
  const std::string configured = exists(config) ? configured_template(read_json(config)) : "";
  if (!exists(file) || configured.empty()) return findings.ok("template_files", "there is one place with a chat template at most");
  const std::string difference = first_difference(renderer, ChatTemplate::from_source(configured, config + ": chat_template"));
  if (!difference.empty()) {
    findings.fault("template_files",
                   "chat_template.jinja and chat_template of tokenizer_config.json differ: they render " + difference +
                       " differently, and programs read the one or the other",
                   "remove the one that the model was not trained with");
  } else {
    findings.ok("template_files", "chat_template.jinja and tokenizer_config.json say the same");
  }
}

}  // namespace iteralign
