// What a run takes over from another one that it is forked from.
#include <fmt/format.h>

#include <utility>

#include "store/columns.h"
#include "store/run_store.h"
#include "store/sqlite.h"

namespace iteralign {
namespace {

// The tables whose rows a stage makes once an iteration; a table comes after those that it refers to.
constexpr struct {
  IterationStage made_by;
  const char* table;
  const char* iteration;  // its column
} kOfIterations[] = {{IterationStage::propose, "constitutions", "iteration"}, {IterationStage::propose, "principles", "constitution"},
                     {IterationStage::propose, "effects", "iteration"},       {IterationStage::propose, "effect_trials", "iteration"},
                     {IterationStage::revise, "revisions", "iteration"},      {IterationStage::finetune, "sft_sets", "iteration"},
                     {IterationStage::finetune, "sft_pairs", "iteration"},    {IterationStage::finetune, "train_steps", "iteration"},
                     {IterationStage::finetune, "trainings", "iteration"},    {IterationStage::finetune, "gate_rates", "iteration"},
                     {IterationStage::finetune, "gate_scores", "iteration"},  {IterationStage::finetune, "outcomes", "iteration"},
                     {IterationStage::evaluate, "evaluations", "iteration"},  {IterationStage::evaluate, "iterations", "iteration"}};

// Another file under the name `other`, for as long as the object lives.
class Attached {
 public:
  Attached(Database& database, const std::string& path) : database_(database) { database_.run("ATTACH ? AS other", path); }
  ~Attached() { sqlite3_exec(database_.handle(), "DETACH other", nullptr, nullptr, nullptr); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  Database& database_;
};

void copy_replies(Database& database) {
  database.run(
      "INSERT OR IGNORE INTO oracle_calls SELECT key, request, status, text, prompt_tokens, completion_tokens, ?, time FROM "
      "other.oracle_calls",
      kAnotherRun);
}

void copy_records(Database& database, const StageEnd& kept) {
  // The last iteration whose records of this stage are kept.
  const auto last = [&](IterationStage stage) { return stage <= kept.stage ? kept.iteration : kept.iteration - 1; };
  database.execute("INSERT INTO prompts SELECT * FROM other.prompts; INSERT INTO prompt_sets SELECT * FROM other.prompt_sets");
  // An iteration's answers to its red-team prompts come first, those of its candidates with the training, the others when it is measured.
  for (const auto& [table, stage] : {std::pair("responses", IterationStage::respond), {"verdicts", IterationStage::judge}})
    database.run(fmt::format("INSERT INTO {0} SELECT * FROM other.{0} "
                             "WHERE iteration <= CASE WHEN attempt > 0 THEN ? WHEN purpose = ? THEN ? ELSE ? END",
                             table)
                     .c_str(),
                 last(IterationStage::finetune), name(PromptSet::red_team), last(stage), last(IterationStage::evaluate));
  for (const auto& [stage, table, iteration] : kOfIterations)
    database.run(fmt::format("INSERT INTO {0} SELECT * FROM other.{0} WHERE {1} <= ?", table, iteration).c_str(), last(stage));
  // Only the iteration in which a principle was found is known, not that in which people took it out: what still stands was taken out
  // later.
  database.run(
      "INSERT INTO removed_principles SELECT * FROM other.removed_principles r WHERE iteration <= ? AND NOT EXISTS (SELECT 1 "
      "FROM main.principles p WHERE p.id = r.id AND p.constitution = (SELECT max(iteration) FROM main.constitutions))",
      last(IterationStage::propose));
}

}  // namespace

void RunStore::copy_replies_from(const std::string& other_path) {
  { const RunStore migrated(other_path); }
  const std::lock_guard lock(mutex_);
  const Attached other(*database_, other_path);
  copy_replies(*database_);
}

void RunStore::copy_records_from(const std::string& other_path, const StageEnd& kept, const std::vector<std::string>& meta_left_out) {
  { const RunStore migrated(other_path); }
  const std::lock_guard lock(mutex_);
  const Attached other(*database_, other_path);
  Transaction transaction(*database_);
  copy_replies(*database_);
  copy_records(*database_, kept);
  database_->execute("INSERT INTO meta SELECT * FROM other.meta");
  for (const std::string& key : meta_left_out) database_->run("DELETE FROM meta WHERE key = ?", key);
  transaction.commit();
}

}  // namespace iteralign
