// The oracle's replies and what they cost.
#include <utility>

#include "core/json.h"
#include "store/columns.h"
#include "store/run_store.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace iteralign {

class RunStore::Cache : public ReplyCache {
 public:
  explicit Cache(RunStore& store) : store_(store) {}

  std::optional<OracleReply> find(const std::string& key) override {
    const std::lock_guard lock(store_.mutex_);
    Statement row(*store_.database_, "SELECT status, text, prompt_tokens, completion_tokens FROM oracle_calls WHERE key = ?", key);
    if (!row.step()) return std::nullopt;
    return OracleReply{named_at<ReplyStatus>(row, 0), row.text(1), row.small(2), row.small(3), true};
  }

  void keep(const std::string& key, const std::string& request_json, const OracleReply& reply) override {
    const std::lock_guard lock(store_.mutex_);
    store_.database_->run("INSERT OR REPLACE INTO oracle_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)", key, request_json, name(reply.status),
                          reply.text, reply.prompt_tokens, reply.completion_tokens, store_.process_, unix_seconds());
  }

 private:
  RunStore& store_;
};

RunStore::RunStore(const std::string& path) : database_(std::make_unique<Database>(path)), cache_(std::make_unique<Cache>(*this)) {
  migrate(*database_);
  // NORMAL: a commit reaches the operating system, so a killed process loses nothing; FULL costs 4 to 8 ms a record on a common disk.
  database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  Statement row(*database_,
                "SELECT 1 + max(ifnull((SELECT max(process) FROM oracle_calls), 0), ifnull((SELECT max(process) FROM oracle_usage), 0))");
  row.step();
  process_ = row.integer(0);
}

RunStore::~RunStore() = default;

ReplyCache& RunStore::reply_cache() { return *cache_; }

int RunStore::forget_replies(const std::function<bool(const std::string& request_json, const OracleReply& reply)>& which) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> keys;
  Statement row(*database_, "SELECT key, request, status, text FROM oracle_calls");
  while (row.step())
    if (which(row.text(1), {named_at<ReplyStatus>(row, 2), row.text(3), 0, 0, true})) keys.push_back(row.text(0));
  Transaction transaction(*database_);
  // Only its replies say what a killed process spent.
  database_->execute(
      "INSERT INTO oracle_usage SELECT process, count(*), 0, 0, sum(prompt_tokens), sum(completion_tokens), 0.0, '{}' FROM oracle_calls "
      "WHERE process > 0 GROUP BY process ON CONFLICT DO UPDATE SET calls = max(calls, excluded.calls), "
      "prompt_tokens = max(prompt_tokens, excluded.prompt_tokens), completion_tokens = max(completion_tokens, excluded.completion_tokens)");
  for (const std::string& key : keys) database_->run("DELETE FROM oracle_calls WHERE key = ?", key);
  transaction.commit();
  return static_cast<int>(keys.size());
}

bool RunStore::has_replies() {
  const std::lock_guard lock(mutex_);
  Statement row(
      *database_,
      "SELECT EXISTS (SELECT 1 FROM oracle_calls WHERE process <> ?) OR EXISTS (SELECT 1 FROM verdicts WHERE label <> 'unjudged')",
      kAnotherRun);
  row.step();
  return row.integer(0) != 0;
}

void RunStore::put_usage(const OracleUsage& usage) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO oracle_usage VALUES (?, ?, ?, ?, ?, ?, ?, ?)", process_, usage.calls, usage.cached, usage.retries,
                 usage.prompt_tokens, usage.completion_tokens, usage.cost_usd, dump_json(Json(usage.faults)));
}

OracleUsage RunStore::usage() {
  const std::lock_guard lock(mutex_);
  // For each process the larger of two figures counts: its own last report, and the replies that it left.
  Statement row(
      *database_,
      "SELECT max(ifnull(u.calls, 0), ifnull(k.calls, 0)), ifnull(u.cached, 0), ifnull(u.retries, 0), "
      "       max(ifnull(u.prompt_tokens, 0), ifnull(k.prompt_tokens, 0)), "
      "       max(ifnull(u.completion_tokens, 0), ifnull(k.completion_tokens, 0)), ifnull(u.cost_usd, 0.0), ifnull(u.faults, '{}') "
      "FROM (SELECT process FROM oracle_usage UNION SELECT process FROM oracle_calls) p "
      "LEFT JOIN oracle_usage u ON u.process = p.process "
      "LEFT JOIN (SELECT process, count(*) AS calls, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS "
      "           completion_tokens FROM oracle_calls GROUP BY process) k ON k.process = p.process "
      "WHERE p.process > 0");
  OracleUsage total;
  while (row.step()) {
    total.calls += row.integer(0);
    total.cached += row.integer(1);
    total.retries += row.integer(2);
    total.prompt_tokens += row.integer(3);
    total.completion_tokens += row.integer(4);
    total.cost_usd += row.real(5);
    for (const auto& [kind, count] : counts_at(row, 6)) total.faults[kind] += count;
  }
  return total;
}

}  // namespace iteralign
