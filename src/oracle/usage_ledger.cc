#include "oracle/usage_ledger.h"

#include <fmt/format.h>

#include "iteralign/error.h"

namespace iteralign {
namespace {

[[noreturn]] void budget_is_spent(const char* key, const std::string& limit, std::int64_t calls, std::int64_t tokens, double cost) {
  throw Error(ErrorKind::remote, fmt::format("the budget of {} is spent: {} calls, {} tokens, ${:.4f}", limit, calls, tokens, cost), key,
              fmt::format("raise {} and give the same command again; replies that are here are not asked for again", key));
}

}  // namespace

Budget budget_of(const OracleConfig& config) {
  return {config.max_cost_usd, config.max_calls, config.max_tokens, config.price_prompt_per_million, config.price_completion_per_million};
}

UsageLedger::Reservation::Reservation(UsageLedger& ledger) : ledger_(ledger) {
  const std::lock_guard lock(ledger.mutex_);
  const Budget& budget = ledger.budget_;
  const OracleUsage &now = ledger.usage_, &before = ledger.before_;
  const std::int64_t calls = before.calls + now.calls;
  const std::int64_t tokens = before.prompt_tokens + before.completion_tokens + now.prompt_tokens + now.completion_tokens;
  const double cost = before.cost_usd + now.cost_usd;
  if (budget.max_calls > 0 && calls + ledger.reserved_ >= budget.max_calls)
    budget_is_spent("oracle.max_calls", fmt::format("{} calls", budget.max_calls), calls, tokens, cost);
  if (budget.max_tokens > 0 && tokens >= budget.max_tokens)
    budget_is_spent("oracle.max_tokens", fmt::format("{} tokens", budget.max_tokens), calls, tokens, cost);
  if (budget.max_cost_usd > 0 && cost >= budget.max_cost_usd)
    budget_is_spent("oracle.max_cost_usd", fmt::format("${}", budget.max_cost_usd), calls, tokens, cost);
  ++ledger.reserved_;
}

UsageLedger::Reservation::~Reservation() {
  const std::lock_guard lock(ledger_.mutex_);
  --ledger_.reserved_;
}

void UsageLedger::add_call(int prompt_tokens, int completion_tokens) {
  const std::lock_guard lock(mutex_);
  ++usage_.calls;
  usage_.prompt_tokens += prompt_tokens;
  usage_.completion_tokens += completion_tokens;
  usage_.cost_usd += (prompt_tokens * budget_.price_prompt_per_million + completion_tokens * budget_.price_completion_per_million) / 1e6;
}

void UsageLedger::add_cached() {
  const std::lock_guard lock(mutex_);
  ++usage_.cached;
}

void UsageLedger::add_retry() {
  const std::lock_guard lock(mutex_);
  ++usage_.retries;
}

void UsageLedger::add_fault(const std::string& kind) {
  const std::lock_guard lock(mutex_);
  ++usage_.faults[kind];
}

OracleUsage UsageLedger::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

}  // namespace iteralign
