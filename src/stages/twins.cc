#include "stages/twins.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "asking/fence.h"
#include "asking/list_reply.h"
#include "asking/reply_parser.h"
#include "core/log.h"
#include "core/random.h"
#include "core/strings.h"
#include "data/near_duplicates.h"
#include "stages/ask_in_chunks.h"

namespace iteralign {
namespace {

constexpr std::size_t kLongestTwin = 2000;  // bytes

OracleRequest twins_request(const Stage& stage, std::span<const Prompt> shown, int per_prompt) {
  std::vector<std::string> parts;
  for (const Prompt& prompt : shown) parts.push_back(prompt.messages.back().content);
  const std::string nonce = fence_nonce(parts);
  std::string blocks;
  for (std::size_t i = 0; i < shown.size(); ++i)
    blocks += fence(fmt::format("CASE {}", i + 1), nonce, fence("PROMPT", nonce, parts[i])) + "\n\n";
  OracleRequest request;
  request.messages = {{"system", stage.texts.fill("twins_system", {{"count", fmt::format("{}", per_prompt)}})},
                      {"user", stage.texts.fill("twins_user", {{"cases", std::string(trim(blocks))}})}};
  request.schema_name = kTwinsReply.name;
  request.schema = kTwinsReply.schema;
  request.max_tokens = list_max_tokens(stage.config.oracle);
  return request;
}

// Twins of all these prompts, without duplicates.
std::vector<Prompt> twins_of(const Stage& stage, const std::vector<Prompt>& prompts, int per_prompt) {
  const auto found = ask_in_chunks(
      stage, prompts, static_cast<std::size_t>(cases_shown(stage.config.oracle, kTwinPromptsPerCall)), "a reply with harmless twins",
      [&](std::span<const Prompt> shown) { return twins_request(stage, shown, per_prompt); },
      [&](const OracleReply& reply, std::span<const Prompt> shown) { return parse_twins(reply, shown, per_prompt); });
  std::vector<Prompt> twins;
  for (const auto& of_chunk : found) twins.insert(twins.end(), of_chunk.begin(), of_chunk.end());
  return drop_overlap(drop_duplicates(std::move(twins)).kept, prompts).kept;
}

std::vector<Prompt> of_all(const Stage& stage, std::initializer_list<PromptSet> sets) {
  std::vector<Prompt> all;
  for (const PromptSet set : sets)
    for (Prompt& prompt : stage.store.prompts(set)) all.push_back(std::move(prompt));
  return all;
}

std::vector<Prompt> measured_twins(const Stage& stage) {
  auto heldout = stage.store.prompts(PromptSet::heldout);
  Random random(derive_seed(stage.config.seed, "twins"));
  random.shuffle(heldout);
  heldout.resize(std::min(heldout.size(), static_cast<std::size_t>(stage.config.twins.heldout)));
  return drop_overlap(twins_of(stage, heldout, 1), of_all(stage, {PromptSet::red_team, PromptSet::replay, PromptSet::replay_lookalike}))
      .kept;
}

std::vector<Prompt> replay_twins(const Stage& stage, const std::vector<Prompt>& measured) {
  if (stage.config.twins.per_prompt == 0 || stage.config.finetune.options.method == FinetuneMethod::none) return {};
  auto prompts = stage.store.prompts(PromptSet::red_team);
  prompts.resize(std::min(prompts.size(), prompts_drawn(stage.config.red_team, prompts.size(), stage.config.iterations)));
  auto others =
      of_all(stage, {PromptSet::heldout, PromptSet::benign, PromptSet::lookalike, PromptSet::validation, PromptSet::validation_benign,
                     PromptSet::validation_lookalike, PromptSet::gate, PromptSet::gate_benign, PromptSet::gate_lookalike});
  others.insert(others.end(), measured.begin(), measured.end());
  return drop_overlap(twins_of(stage, prompts, stage.config.twins.per_prompt), others).kept;
}

}  // namespace

std::string twin_source(const std::string& prompt_id) { return "twin of " + prompt_id; }

std::vector<Prompt> parse_twins(const OracleReply& reply, std::span<const Prompt> shown, int per_prompt) {
  std::vector<Prompt> twins;
  if (reply.status != ReplyStatus::answered) return twins;
  std::map<std::size_t, int> taken;
  for (const ReplyValue& item : reply_items(reply.text, kTwinsReply.name, kTwinsReply.item_key)) {
    const auto numbers = case_numbers(item, static_cast<int>(shown.size()));
    const std::string text = first_text(item, {"prompt", "twin", "text"});
    if (numbers.size() != 1 || text.empty() || text.size() > kLongestTwin) continue;
    const auto number = static_cast<std::size_t>(numbers[0]);
    if (++taken[number] > per_prompt) continue;
    const Prompt& of = shown[number - 1];
    const Messages messages = {{"user", text}};
    twins.push_back({.id = prompt_id(messages), .messages = messages, .category = of.category, .source = twin_source(of.id)});
  }
  return twins;
}

void ask_twins(const Stage& stage) {
  if (stage.store.meta(kTwinsAsked)) return;
  const auto measured = measured_twins(stage);
  const auto replay = replay_twins(stage, measured);
  const std::string line = fmt::format("harmless twins: {} to train on, {} measured", replay.size(), measured.size());
  stage.store.put_prompts({{PromptSet::twin, measured}, {PromptSet::replay_twin, replay}}, kTwinsAsked, line);
  if (!measured.empty() || !replay.empty()) log_info("{}", line);
}

}  // namespace iteralign
