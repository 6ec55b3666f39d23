#include "store/run_store.h"

#include <array>
#include <chrono>
#include <utility>

#include "core/json.h"
#include "iteralign/error.h"
#include "store/schema.h"
#include "store/sqlite.h"

namespace iteralign {
namespace {

constexpr std::array kReplyStatuses = {"answered", "truncated", "refused", "filtered", "failed"};

constexpr int kAnotherRun = 0;  // the process of replies that came from another run; those of this run count from 1

double unix_seconds() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string to_text(const Messages& messages) {
  Json turns = Json::array();
  for (const auto& message : messages) turns.push_back({{"role", message.role}, {"content", message.content}});
  return dump_json(turns);
}

Messages to_messages(const std::string& text, const std::string& path) {
  Messages messages;
  for (const auto& turn : parse_json(text, path)) messages.push_back({turn.at("role"), turn.at("content")});
  return messages;
}

std::string to_text(const std::vector<std::string>& ids) { return dump_json(Json(ids)); }

std::vector<std::string> to_ids(const std::string& text, const std::string& path) { return parse_json(text, path); }

Verdict verdict_at(const Statement& row, int column) {
  return {parse_label(row.text(column)), parse_unjudged_reason(row.text(column + 1)), row.text(column + 2)};
}

ReplyStatus parse_reply_status(const std::string& text) {
  for (std::size_t i = 0; i < kReplyStatuses.size(); ++i)
    if (text == kReplyStatuses[i]) return static_cast<ReplyStatus>(i);
  abort_on_bug("known reply status", __FILE__, __LINE__, text);
}

}  // namespace

class RunStore::Cache : public ReplyCache {
 public:
  explicit Cache(RunStore& store) : store_(store) {}

  std::optional<OracleReply> find(const std::string& key) override {
    const std::lock_guard lock(store_.mutex_);
    Statement row(*store_.database_, "SELECT status, text, prompt_tokens, completion_tokens FROM oracle_calls WHERE key = ?", key);
    if (!row.step()) return std::nullopt;
    return OracleReply{parse_reply_status(row.text(0)), row.text(1), row.small(2), row.small(3), true};
  }

  void keep(const std::string& key, const std::string& request_json, const OracleReply& reply) override {
    const std::lock_guard lock(store_.mutex_);
    store_.database_->run("INSERT OR REPLACE INTO oracle_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)", key, request_json,
                          kReplyStatuses[static_cast<std::size_t>(reply.status)], reply.text, reply.prompt_tokens, reply.completion_tokens,
                          store_.process_, unix_seconds());
  }

 private:
  RunStore& store_;
};

RunStore::RunStore(const std::string& path) : database_(std::make_unique<Database>(path)), cache_(std::make_unique<Cache>(*this)) {
  migrate(*database_);
  // NORMAL: a commit is with the operating system, so a killed process loses nothing; FULL costs 4 to 8 ms a record on a common disk.
  database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  Statement row(*database_,
                "SELECT 1 + max(ifnull((SELECT max(process) FROM oracle_calls), 0), ifnull((SELECT max(process) FROM oracle_usage), 0))");
  row.step();
  process_ = row.integer(0);
}

RunStore::~RunStore() = default;

void RunStore::set_meta(const std::string& key, const std::string& value) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value);
}

std::optional<std::string> RunStore::meta(const std::string& key) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT value FROM meta WHERE key = ?", key);
  return row.step() ? std::optional(row.text(0)) : std::nullopt;
}

void RunStore::put_prompts(Purpose purpose, const std::vector<Prompt>& prompts) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  database_->run("DELETE FROM prompt_sets WHERE purpose = ?", name(purpose));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Prompt& prompt = prompts[i];
    database_->run("INSERT INTO prompts VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET messages = excluded.messages", prompt.id,
                   to_text(prompt.messages));
    database_->run("INSERT INTO prompt_sets VALUES (?, ?, ?, ?, ?)", name(purpose), static_cast<std::int64_t>(i), prompt.id,
                   prompt.category, prompt.source);
  }
  transaction.commit();
}

std::vector<Prompt> RunStore::prompts(Purpose purpose) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_,
                "SELECT id, messages, category, source FROM prompt_sets JOIN prompts ON id = prompt_id WHERE purpose = ? ORDER BY position",
                name(purpose));
  std::vector<Prompt> prompts;
  while (row.step())
    prompts.push_back(
        {.id = row.text(0), .messages = to_messages(row.text(1), database_->path()), .category = row.text(2), .source = row.text(3)});
  return prompts;
}

void RunStore::put(const Response& response) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)", response.iteration, name(response.purpose),
                 response.prompt_id, response.text, response.finish_reason, response.prompt_tokens, response.completion_tokens);
}

std::vector<Response> RunStore::responses(int iteration, Purpose purpose) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_,
                "SELECT prompt_id, text, finish_reason, prompt_tokens, completion_tokens FROM responses "
                "LEFT JOIN prompt_sets USING (purpose, prompt_id) WHERE iteration = ? AND purpose = ? "
                "ORDER BY position IS NULL, position, prompt_id",
                iteration, name(purpose));
  std::vector<Response> responses;
  while (row.step())
    responses.push_back({.iteration = iteration,
                         .purpose = purpose,
                         .prompt_id = row.text(0),
                         .text = row.text(1),
                         .finish_reason = row.text(2),
                         .prompt_tokens = row.small(3),
                         .completion_tokens = row.small(4)});
  return responses;
}

void RunStore::put_verdict(int iteration, Purpose purpose, const std::string& prompt_id, const Verdict& verdict) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", iteration, name(purpose), prompt_id, name(verdict.label),
                 name(verdict.reason), verdict.rationale);
}

std::map<std::string, Verdict> RunStore::verdicts(int iteration, Purpose purpose) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT prompt_id, label, reason, rationale FROM verdicts WHERE iteration = ? AND purpose = ?", iteration,
                name(purpose));
  std::map<std::string, Verdict> verdicts;
  while (row.step()) verdicts[row.text(0)] = verdict_at(row, 1);
  return verdicts;
}

void RunStore::put_constitution(int iteration, const Constitution& constitution) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  database_->run("DELETE FROM constitutions WHERE iteration = ?", iteration);  // and its principles
  database_->run("INSERT INTO constitutions VALUES (?, ?)", iteration, constitution.version);
  for (std::size_t i = 0; i < constitution.principles.size(); ++i) {
    const Principle& principle = constitution.principles[i];
    database_->run("INSERT INTO principles VALUES (?, ?, ?, ?, ?, ?, ?)", iteration, static_cast<std::int64_t>(i), principle.id,
                   principle.text, principle.area, principle.iteration, to_text(principle.evidence));
  }
  transaction.commit();
}

std::optional<Constitution> RunStore::snapshot_locked(int iteration) {
  Statement version(*database_, "SELECT version FROM constitutions WHERE iteration = ?", iteration);
  if (!version.step()) return std::nullopt;
  Constitution constitution{version.small(0), {}};
  Statement row(*database_, "SELECT id, text, area, iteration, evidence FROM principles WHERE constitution = ? ORDER BY position",
                iteration);
  while (row.step())
    constitution.principles.push_back({.id = row.text(0),
                                       .text = row.text(1),
                                       .area = row.text(2),
                                       .iteration = row.small(3),
                                       .evidence = to_ids(row.text(4), database_->path())});
  return constitution;
}

std::optional<Constitution> RunStore::constitution_of(int iteration) {
  const std::lock_guard lock(mutex_);
  return snapshot_locked(iteration);
}

Constitution RunStore::constitution(int up_to_iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT max(iteration) FROM constitutions WHERE iteration <= ?", up_to_iteration);
  if (!row.step() || row.null(0)) return {};
  return snapshot_locked(row.small(0)).value();
}

void RunStore::put(const Revision& revision) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", revision.iteration, revision.prompt_id,
                 revision.attempt, revision.text, revision.finish_reason, revision.scaffold, to_text(revision.principles),
                 revision.rejected, name(revision.verdict.label), name(revision.verdict.reason), revision.verdict.rationale);
}

std::vector<Revision> RunStore::revisions(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_,
                "SELECT r.prompt_id, attempt, text, finish_reason, scaffold, principles, rejected, label, reason, rationale "
                "FROM revisions r LEFT JOIN prompt_sets s ON s.prompt_id = r.prompt_id AND s.purpose = ? WHERE iteration = ? "
                "ORDER BY position IS NULL, position, r.prompt_id, attempt",
                name(Purpose::red_team), iteration);
  std::vector<Revision> revisions;
  while (row.step())
    revisions.push_back({.iteration = iteration,
                         .prompt_id = row.text(0),
                         .attempt = row.small(1),
                         .text = row.text(2),
                         .finish_reason = row.text(3),
                         .scaffold = row.text(4),
                         .principles = to_ids(row.text(5), database_->path()),
                         .rejected = row.text(6),
                         .verdict = verdict_at(row, 7)});
  return revisions;
}

void RunStore::put_pairs(int iteration, const std::vector<SftPair>& pairs) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  database_->run("DELETE FROM sft_sets WHERE iteration = ?", iteration);  // and its pairs
  database_->run("INSERT INTO sft_sets VALUES (?)", iteration);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const SftPair& pair = pairs[i];
    database_->run("INSERT INTO sft_pairs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", iteration, static_cast<std::int64_t>(i), name(pair.kind),
                   pair.prompt_id, to_text(pair.messages), pair.completion, pair.complete, pair.rejected);
  }
  transaction.commit();
}

std::vector<SftPair> RunStore::pairs(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_,
                "SELECT kind, prompt_id, messages, completion, complete, rejected FROM sft_pairs WHERE iteration = ? ORDER BY position",
                iteration);
  std::vector<SftPair> pairs;
  while (row.step())
    pairs.push_back({.iteration = iteration,
                     .kind = parse_pair_kind(row.text(0)),
                     .prompt_id = row.text(1),
                     .messages = to_messages(row.text(2), database_->path()),
                     .completion = row.text(3),
                     .complete = row.small(4) != 0,
                     .rejected = row.text(5)});
  return pairs;
}

bool RunStore::has_pairs(int iteration) {
  const std::lock_guard lock(mutex_);
  return Statement(*database_, "SELECT 1 FROM sft_sets WHERE iteration = ?", iteration).step();
}

void RunStore::put_train_step(int iteration, const TrainStep& step) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO train_steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", iteration, step.step, step.max_steps, step.epoch,
                 step.loss, step.grad_norm, step.learning_rate, step.num_tokens, unix_seconds());
}

std::vector<TrainStep> RunStore::train_steps(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(
      *database_,
      "SELECT step, max_steps, epoch, loss, grad_norm, learning_rate, num_tokens FROM train_steps WHERE iteration = ? ORDER BY step",
      iteration);
  std::vector<TrainStep> steps;
  while (row.step())
    steps.push_back({.step = row.small(0),
                     .max_steps = row.small(1),
                     .epoch = row.real(2),
                     .loss = row.real(3),
                     .grad_norm = row.real(4),
                     .learning_rate = row.real(5),
                     .num_tokens = row.integer(6)});
  return steps;
}

std::vector<double> RunStore::train_step_times(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT time FROM train_steps WHERE iteration = ? ORDER BY step", iteration);
  std::vector<double> times;
  while (row.step()) times.push_back(row.real(0));
  return times;
}

void RunStore::clear_train_steps(int iteration) {
  const std::lock_guard lock(mutex_);
  database_->run("DELETE FROM train_steps WHERE iteration = ?", iteration);
}

void RunStore::put(const Evaluation& evaluation) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  put_locked(evaluation);
  transaction.commit();
}

void RunStore::put_locked(const Evaluation& evaluation) {
  const std::pair<Purpose, const Rate*> rates[] = {{Purpose::heldout, &evaluation.heldout},
                                                   {Purpose::benign, &evaluation.benign},
                                                   {Purpose::lookalike, &evaluation.lookalike},
                                                   {Purpose::twin, &evaluation.twin}};
  for (const auto& [purpose, rate] : rates)
    database_->run(
        "INSERT INTO evaluations VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = excluded.n, count = excluded.count, "
        "unjudged = excluded.unjudged, time = excluded.time "
        "WHERE (n, count, unjudged) <> (excluded.n, excluded.count, excluded.unjudged)",
        evaluation.iteration, name(purpose), rate->n, rate->count, rate->unjudged, unix_seconds());
}

std::optional<Evaluation> RunStore::evaluation(int iteration) {
  const std::lock_guard lock(mutex_);
  return evaluation_locked(iteration);
}

std::optional<Evaluation> RunStore::evaluation_locked(int iteration) {
  Statement row(*database_, "SELECT measure, n, count, unjudged FROM evaluations WHERE iteration = ?", iteration);
  std::optional<Evaluation> evaluation;
  while (row.step()) {
    if (!evaluation) evaluation.emplace().iteration = iteration;
    const Purpose purpose = parse_purpose(row.text(0));
    Rate& rate = purpose == Purpose::heldout  ? evaluation->heldout
                 : purpose == Purpose::benign ? evaluation->benign
                 : purpose == Purpose::twin   ? evaluation->twin
                                              : evaluation->lookalike;
    rate = wilson_rate(row.small(2), row.small(1), row.small(3));
  }
  return evaluation;
}

std::optional<double> RunStore::evaluation_time(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT max(time) FROM evaluations WHERE iteration = ?", iteration);
  return row.step() && !row.null(0) ? std::optional(row.real(0)) : std::nullopt;
}

void RunStore::put(const IterationSummary& summary) {
  const std::lock_guard lock(mutex_);
  database_->execute("PRAGMA synchronous = FULL");  // this commit brings everything before it to the disk
  Transaction transaction(*database_);
  database_->run("INSERT OR REPLACE INTO iterations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", summary.iteration,
                 summary.prompts, summary.negative, summary.positive, summary.unjudged, summary.principles_new, summary.revised,
                 summary.sft_pairs, summary.train.steps, summary.train.loss_first, summary.train.loss_last, summary.train.tokens,
                 summary.train.seconds, summary.accepted, summary.attempts, summary.epoch, summary.reason);
  if (summary.evaluation.iteration == summary.iteration) put_locked(summary.evaluation);
  transaction.commit();
  database_->execute("PRAGMA synchronous = NORMAL");
}

std::vector<IterationSummary> RunStore::iterations() {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT * FROM iterations ORDER BY iteration");
  std::vector<IterationSummary> summaries;
  while (row.step()) {
    const int iteration = row.small(0);
    Evaluation none;
    none.iteration = iteration;
    summaries.push_back({.iteration = iteration,
                         .prompts = row.small(1),
                         .negative = row.small(2),
                         .positive = row.small(3),
                         .unjudged = row.small(4),
                         .principles_new = row.small(5),
                         .revised = row.small(6),
                         .sft_pairs = row.small(7),
                         .train = {.steps = row.small(8),
                                   .loss_first = row.real(9),
                                   .loss_last = row.real(10),
                                   .tokens = row.integer(11),
                                   .seconds = row.real(12)},
                         .accepted = row.small(13) != 0,
                         .attempts = row.small(14),
                         .epoch = row.small(15),
                         .reason = row.text(16),
                         .evaluation = evaluation_locked(iteration).value_or(none)});
  }
  return summaries;
}

ReplyCache& RunStore::reply_cache() { return *cache_; }

bool RunStore::has_replies() {
  const std::lock_guard lock(mutex_);
  Statement row(
      *database_,
      "SELECT EXISTS (SELECT 1 FROM oracle_calls WHERE process <> ?) OR EXISTS (SELECT 1 FROM verdicts WHERE label <> 'unjudged')",
      kAnotherRun);
  row.step();
  return row.integer(0) != 0;
}

void RunStore::copy_replies_from(const std::string& other_path) {
  { const RunStore migrated(other_path); }
  const std::lock_guard lock(mutex_);
  database_->run("ATTACH ? AS other", other_path);
  database_->run(
      "INSERT OR IGNORE INTO oracle_calls SELECT key, request, status, text, prompt_tokens, completion_tokens, ?, time FROM "
      "other.oracle_calls",
      kAnotherRun);
  database_->execute("DETACH other");
}

void RunStore::put_usage(const OracleUsage& usage) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO oracle_usage VALUES (?, ?, ?, ?, ?, ?, ?, ?)", process_, usage.calls, usage.cached, usage.retries,
                 usage.prompt_tokens, usage.completion_tokens, usage.cost_usd, dump_json(Json(usage.faults)));
}

OracleUsage RunStore::usage() {
  const std::lock_guard lock(mutex_);
  // What a process said of itself and what it left behind: the larger figure of each process counts.
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
    const Json faults = parse_json(row.text(6), database_->path());
    for (const auto& [kind, count] : faults.items()) total.faults[kind] += count.get<std::int64_t>();
  }
  return total;
}

}  // namespace iteralign
