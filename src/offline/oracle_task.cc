#include "offline/oracle_task.h"

#include <algorithm>

#include "asking/fence.h"
#include "asking/list_reply.h"
#include "core/json.h"
#include "core/strings.h"

namespace iteralign {
namespace {

TaskKind kind_of(std::string_view name) {
  if (name == judge_prompt(Question::harm).schema_name) return TaskKind::verdict;
  if (name == judge_prompt(Question::refusal).schema_name) return TaskKind::refusal;
  if (name == kPrinciplesReply.name) return TaskKind::principles;
  if (name == kTwinsReply.name) return TaskKind::twins;
  return TaskKind::other;
}

std::string task_line(const Messages& messages) {
  constexpr std::string_view kTask = "TASK:";
  if (messages.empty() || messages.front().role != "system") return {};
  const std::string_view system = messages.front().content;
  const auto line = trim(system.substr(0, system.find('\n')));
  return line.starts_with(kTask) ? std::string(trim(line.substr(kTask.size()))) : std::string();
}

bool fill_case(TaskKind task, OracleCase& item, const std::vector<FencedBlock>& blocks) {
  bool has_prompt = false, has_response = false;
  for (const auto& block : blocks) {
    if (block.kind == "PROMPT") {
      item.prompt = block.text;
      has_prompt = true;
    } else if (block.kind == "RESPONSE") {
      item.response = block.text;
      has_response = true;
    }
  }
  return task == TaskKind::twins ? has_prompt : has_response;
}

}  // namespace

OracleTask read_oracle_task(const Messages& messages, const std::string& schema_name) {
  OracleTask task;
  task.kind = kind_of(schema_name.empty() ? task_line(messages) : schema_name);
  const auto last_user = std::find_if(messages.rbegin(), messages.rend(), [](const Message& message) { return message.role == "user"; });
  if (task.kind == TaskKind::other || last_user == messages.rend()) return {};
  const auto blocks = parse_fences(last_user->content);
  if (task.kind != TaskKind::principles && task.kind != TaskKind::twins) {
    OracleCase item;
    if (fill_case(task.kind, item, blocks)) task.cases.push_back(std::move(item));
  } else {
    for (const auto& block : blocks) {
      OracleCase item;
      item.number = block.number;
      if (block.kind == "CASE" && fill_case(task.kind, item, parse_fences(block.text))) task.cases.push_back(std::move(item));
    }
  }
  return task.cases.empty() ? OracleTask{} : task;
}

std::string verdict_answer(Question question, Meaning verdict, std::string_view reason, std::optional<double> negative_probability) {
  const JudgePrompt& asked = judge_prompt(question);
  Json answer = {{"reason", reason}, {asked.words.keys.front(), asked.word(verdict.label, verdict.conduct)}};
  if (negative_probability) answer["negative_probability"] = *negative_probability;
  return dump_json(answer);
}

std::string principles_answer(std::vector<ProposedPrinciple> principles) {
  std::stable_sort(principles.begin(), principles.end(), [](const auto& a, const auto& b) { return a.cases.size() > b.cases.size(); });
  Json list = Json::array();
  for (const auto& principle : principles) list.push_back({{"text", principle.text}, {"area", principle.area}, {"cases", principle.cases}});
  return dump_json({{kPrinciplesReply.name, list}});
}

std::string twins_answer(const std::vector<HarmlessTwin>& twins) {
  Json list = Json::array();
  for (const auto& twin : twins) list.push_back({{"case", twin.of}, {"prompt", twin.prompt}});
  return dump_json({{kTwinsReply.name, list}});
}

std::string no_task_answer() {
  return "I am an embedded oracle: I only judge responses and propose principles, asked with the prompts of iteralign.";
}

}  // namespace iteralign
