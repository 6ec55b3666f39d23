#pragma once
// The run store: every record of a run in one SQLite file. It is the truth; the other files of the run folder are made from it.
// docs/run-store.md describes the tables.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "iteralign/base_model.h"
#include "iteralign/oracle.h"
#include "iteralign/records.h"

namespace iteralign {

class Database;

// A record is committed when its put returns and survives a kill at any moment; the end of an iteration is synced to the disk, so a
// power cut loses at most what came after it. A put of several records is one transaction. A record with the same key is replaced.
// Readers of an iteration or purpose that has nothing get an empty list. Safe from many threads.
//
// Every method throws Error naming the file: failed for a full disk or a failing one, usage when another process holds the
// file, data when it is damaged.
class RunStore {
 public:
  // Opens or creates the file; its folder exists. An older schema is migrated.
  // Error data for a file that is not a run store and for a schema newer than this program.
  explicit RunStore(const std::string& path);
  ~RunStore();
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;

  // What is known of the run as a whole: "config", "seed", "status", ...
  void set_meta(const std::string& key, const std::string& value);
  std::optional<std::string> meta(const std::string& key);

  // The list of a purpose, in order. Replaces the list that is there.
  void put_prompts(Purpose purpose, const std::vector<Prompt>& prompts);
  std::vector<Prompt> prompts(Purpose purpose);

  // Key: iteration, purpose, prompt. Read in the order of the purpose's prompts; those of unlisted prompts come last, by id.
  void put(const Response& response);
  std::vector<Response> responses(int iteration, Purpose purpose);
  void put_verdict(int iteration, Purpose purpose, const std::string& prompt_id, const Verdict& verdict);
  std::map<std::string, Verdict> verdicts(int iteration, Purpose purpose);  // by prompt id

  // The whole constitution as it stands at the end of an iteration's proposal.
  void put_constitution(int iteration, const Constitution& constitution);
  std::optional<Constitution> constitution_of(int iteration);  // nothing when none was put in this iteration
  Constitution constitution(int up_to_iteration);              // the newest of iterations <= this one; empty when there is none

  // Key: iteration, prompt, attempt. Read in the order of the red-team prompts, then by attempt.
  void put(const Revision& revision);
  std::vector<Revision> revisions(int iteration);

  // The training set of an iteration, in order. An empty one is kept as well: has_pairs says that the step was done.
  void put_pairs(int iteration, const std::vector<SftPair>& pairs);
  std::vector<SftPair> pairs(int iteration);
  bool has_pairs(int iteration);

  void put_train_step(int iteration, const TrainStep& step);
  std::vector<TrainStep> train_steps(int iteration);
  std::vector<double> train_step_times(int iteration);  // Unix seconds at which each of them was put
  void clear_train_steps(int iteration);                // before a training starts anew

  // Rates are kept as counts; what is read has its interval from wilson_rate.
  void put(const Evaluation& evaluation);
  std::optional<Evaluation> evaluation(int iteration);
  std::optional<double> evaluation_time(int iteration);  // Unix seconds at which it was put first with these counts

  // A finished iteration. Its evaluation is put as well when it is of this iteration; read, it has the one that is kept.
  void put(const IterationSummary& summary);
  std::vector<IterationSummary> iterations();  // in order

  // Kept for ever. Lives as long as the store.
  ReplyCache& reply_cache();
  // Has a reply of the oracle been put to use in this run? Replies that failed or were left unjudged by a fault do not count.
  bool has_replies();
  // Takes over the kept replies of another run's file, which is migrated if it is older; they are no calls of this run.
  void copy_replies_from(const std::string& other_path);

  // The usage of this process so far; replaces what this process put before.
  void put_usage(const OracleUsage& usage);
  // Of all processes that worked on the run. Calls and tokens are never below what the kept replies say, so a process that was
  // killed before its put_usage still counts; its last retries, faults and cost may be missing.
  OracleUsage usage();

 private:
  class Cache;

  void put_locked(const Evaluation& evaluation);
  std::optional<Evaluation> evaluation_locked(int iteration);
  std::optional<Constitution> snapshot_locked(int iteration);

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Cache> cache_;
  std::int64_t process_ = 0;  // number of this process among those that opened the run
};

}  // namespace iteralign
