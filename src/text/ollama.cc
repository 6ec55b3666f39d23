#include "text/ollama.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

#include "core/strings.h"

namespace iteralign {
namespace {

// What stands before and after the content of a turn.
struct Turn {
  std::string before, after;
};

struct Pieces {
  std::string start;  // where there is no system message
  Turn system, user, assistant;
};

// No template changes or trims them.
constexpr const char* kSystem = "Qsystem";
constexpr const char* kQuestion = "Qquestion";
constexpr const char* kAnswer = "Qanswer";
constexpr const char* kSecond = "Qsecond";

// llama.cpp puts BOS there itself, but only where the tokenizer does: else it is the template's own, as the <|im_start|> of a turn may be.
std::string without_bos(const Renderer& renderer, std::string text) {
  if (!renderer.tokenizer().adds_bos()) return text;
  const Json variables = special_token_variables(renderer.tokenizer());
  const std::string bos = variables.value("bos_token", "");
  return !bos.empty() && text.starts_with(bos) ? text.substr(bos.size()) : text;
}

std::string rendered(const Renderer& renderer, const Messages& messages, bool answer_next) {
  return without_bos(renderer, renderer.text(messages, answer_next));
}

// What stands between two texts, or before the first when `from` is empty, or behind the last when `to` is; nothing when one is missing.
std::optional<std::string> between(const std::string& text, std::string_view from, std::string_view to) {
  const std::size_t begin = from.empty() ? 0 : text.find(from);
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t first = begin + from.size(), last = to.empty() ? text.size() : text.find(to, first);
  if (last == std::string::npos) return std::nullopt;
  return text.substr(first, last - first);
}

// Takes `part` off an end of the text; false when it is not there.
bool take_end(std::string& text, const std::string& part) {
  if (!text.ends_with(part)) return false;
  text.resize(text.size() - part.size());
  return true;
}

bool take_start(std::string& text, const std::string& part) {
  if (!text.starts_with(part)) return false;
  text.erase(0, part.size());
  return true;
}

std::optional<Pieces> find_pieces(const Renderer& renderer) {
  const std::string with_system = rendered(renderer, {{"system", kSystem}, {"user", kQuestion}}, true);
  const std::string talk = rendered(renderer, {{"user", kQuestion}, {"assistant", kAnswer}, {"user", kSecond}}, true);
  const std::string answered = rendered(renderer, {{"user", kQuestion}, {"assistant", kAnswer}}, false);
  const std::string asked = rendered(renderer, {{"user", kQuestion}}, false);
  const auto before_system = between(with_system, "", kSystem), system_to_user = between(with_system, kSystem, kQuestion);
  const auto start_to_user = between(talk, "", kQuestion), user_to_answer = between(talk, kQuestion, kAnswer);
  const auto answer_to_user = between(talk, kAnswer, kSecond), behind_answer = between(answered, kAnswer, "");
  const auto behind_question = between(asked, kQuestion, "");
  if (!before_system || !system_to_user || !start_to_user || !user_to_answer || !answer_to_user || !behind_answer || !behind_question)
    return std::nullopt;
  Pieces pieces;
  pieces.assistant.after = *behind_answer;
  pieces.user.before = *answer_to_user;
  if (!take_start(pieces.user.before, pieces.assistant.after)) return std::nullopt;
  pieces.user.after = *behind_question;
  pieces.assistant.before = *user_to_answer;
  if (!take_start(pieces.assistant.before, pieces.user.after)) return std::nullopt;
  pieces.system = {*before_system, *system_to_user};
  pieces.start = *start_to_user;
  if (!take_end(pieces.system.after, pieces.user.before) || !take_end(pieces.start, pieces.user.before)) return std::nullopt;
  return pieces;
}

const Turn& turn_of(const Pieces& pieces, const std::string& role) {
  return role == "system" ? pieces.system : role == "user" ? pieces.user : pieces.assistant;
}

std::string joined(const Pieces& pieces, const Messages& messages) {
  std::string text = messages.front().role == "system" ? "" : pieces.start;
  for (const Message& message : messages) {
    const Turn& turn = turn_of(pieces, message.role);
    text += turn.before + message.content + turn.after;
  }
  return text + pieces.assistant.before;
}

// Every conversation that the pieces were not taken from must come out right too.
bool holds(const Renderer& renderer, const Pieces& pieces) {
  const Message system{"system", "Be brief."}, question{"user", "Hi there"}, answer{"assistant", "Hello."}, second{"user", "Why?"};
  for (const Messages& messages : std::vector<Messages>{{question},
                                                        {system, question},
                                                        {question, answer, second},
                                                        {system, question, answer, second},
                                                        {system, question, answer, second, answer, question}})
    if (joined(pieces, messages) != rendered(renderer, messages, true)) return false;
  return true;
}

// As a string of Go, which no trimming of white space touches.
std::string action(const std::string& text) { return text.empty() ? "" : "{{ " + dump_json(text) + " }}"; }

std::string branch(const char* role, const Turn& turn, const std::string& behind) {
  return fmt::format("{{{{- if eq .Role \"{}\" }}}}{}{{{{ .Content }}}}{}{{{{ end }}}}\n", role, action(turn.before), behind);
}

}  // namespace

std::optional<std::string> ollama_template(const Renderer& renderer) {
  const auto pieces = find_pieces(renderer);
  if (!pieces || !holds(renderer, *pieces)) return std::nullopt;
  const auto& [start, system, user, assistant] = *pieces;
  std::string text;
  if (!start.empty()) text += "{{- if not .System }}" + action(start) + "{{ end }}\n";
  text += "{{- range $i, $_ := .Messages }}\n{{- $last := eq (len (slice $.Messages $i)) 1 }}\n";
  text += branch("system", system, action(system.after));
  text += branch("user", user, action(user.after) + "{{ if $last }}" + action(assistant.before) + "{{ end }}");
  // An answer that comes last is one to go on with.
  text += branch("assistant", assistant, "{{ if not $last }}" + action(assistant.after) + "{{ end }}");
  return text + "{{- end }}";
}

std::string ollama_modelfile(const Renderer& renderer, const std::string& gguf_name, const Json& generation_config) {
  std::string file = fmt::format("FROM ./{}\n", gguf_name);
  if (const auto text = ollama_template(renderer)) file += fmt::format("\nTEMPLATE \"\"\"{}\"\"\"\n", *text);
  file += "\n";
  for (const TokenId id : renderer.stop_ids())
    file += fmt::format("PARAMETER stop {}\n", dump_json(renderer.tokenizer().decode(std::array{id}, false)));
  for (const auto& [key, parameter] : {std::pair("temperature", "temperature"),
                                       {"top_p", "top_p"},
                                       {"top_k", "top_k"},
                                       {"min_p", "min_p"},
                                       {"repetition_penalty", "repeat_penalty"}})
    if (const auto value = generation_config.find(key); value != generation_config.end() && value->is_number())
      file += fmt::format("PARAMETER {} {}\n", parameter, dump_json(*value));
  return file;
}

}  // namespace iteralign
