#include "store/schema.h"

#include <array>
#include <string>

#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::int64_t kApplicationId = 0x49544c4e;  // "ITLN", in the header of the file

// kMigrations[v] makes version v + 1 out of version v. A published step never changes: add one, and keep a file of the old version
// in tests/store/versions/.
constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE prompts (id TEXT PRIMARY KEY, messages TEXT NOT NULL) STRICT;
CREATE TABLE prompt_sets (
  purpose TEXT NOT NULL, position INTEGER NOT NULL, prompt_id TEXT NOT NULL REFERENCES prompts(id),
  category TEXT NOT NULL, source TEXT NOT NULL,
  PRIMARY KEY (purpose, position), UNIQUE (purpose, prompt_id)) STRICT;

CREATE TABLE responses (
  iteration INTEGER NOT NULL, purpose TEXT NOT NULL, prompt_id TEXT NOT NULL,
  text TEXT NOT NULL, finish_reason TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  PRIMARY KEY (iteration, purpose, prompt_id)) STRICT;
CREATE TABLE verdicts (
  iteration INTEGER NOT NULL, purpose TEXT NOT NULL, prompt_id TEXT NOT NULL,
  label TEXT NOT NULL, reason TEXT NOT NULL, rationale TEXT NOT NULL,
  PRIMARY KEY (iteration, purpose, prompt_id)) STRICT;

CREATE TABLE constitutions (iteration INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT;
CREATE TABLE principles (
  constitution INTEGER NOT NULL REFERENCES constitutions(iteration) ON DELETE CASCADE, position INTEGER NOT NULL,
  id TEXT NOT NULL, text TEXT NOT NULL, area TEXT NOT NULL, iteration INTEGER NOT NULL, evidence TEXT NOT NULL,
  PRIMARY KEY (constitution, position), UNIQUE (constitution, id)) STRICT;

CREATE TABLE revisions (
  iteration INTEGER NOT NULL, prompt_id TEXT NOT NULL, attempt INTEGER NOT NULL,
  text TEXT NOT NULL, finish_reason TEXT NOT NULL, scaffold TEXT NOT NULL, principles TEXT NOT NULL, rejected TEXT NOT NULL,
  label TEXT NOT NULL, reason TEXT NOT NULL, rationale TEXT NOT NULL,
  PRIMARY KEY (iteration, prompt_id, attempt)) STRICT;

CREATE TABLE sft_sets (iteration INTEGER PRIMARY KEY) STRICT;
CREATE TABLE sft_pairs (
  iteration INTEGER NOT NULL REFERENCES sft_sets(iteration) ON DELETE CASCADE, position INTEGER NOT NULL,
  kind TEXT NOT NULL, prompt_id TEXT NOT NULL, messages TEXT NOT NULL, completion TEXT NOT NULL, complete INTEGER NOT NULL,
  rejected TEXT NOT NULL, PRIMARY KEY (iteration, position)) STRICT;

CREATE TABLE train_steps (
  iteration INTEGER NOT NULL, step INTEGER NOT NULL, max_steps INTEGER NOT NULL, epoch REAL NOT NULL,
  loss REAL, grad_norm REAL, learning_rate REAL NOT NULL, num_tokens INTEGER NOT NULL, time REAL NOT NULL,
  PRIMARY KEY (iteration, step)) STRICT;

CREATE TABLE evaluations (
  iteration INTEGER NOT NULL, measure TEXT NOT NULL, n INTEGER NOT NULL, count INTEGER NOT NULL, unjudged INTEGER NOT NULL,
  time REAL NOT NULL, PRIMARY KEY (iteration, measure)) STRICT;

CREATE TABLE iterations (
  iteration INTEGER PRIMARY KEY, prompts INTEGER NOT NULL, negative INTEGER NOT NULL, positive INTEGER NOT NULL,
  unjudged INTEGER NOT NULL, principles_new INTEGER NOT NULL, revised INTEGER NOT NULL, sft_pairs INTEGER NOT NULL,
  train_steps INTEGER NOT NULL, loss_first REAL, loss_last REAL, train_tokens INTEGER NOT NULL, train_seconds REAL NOT NULL,
  accepted INTEGER NOT NULL) STRICT;

CREATE TABLE oracle_calls (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, process INTEGER NOT NULL, time REAL NOT NULL) STRICT;
CREATE TABLE oracle_usage (
  process INTEGER PRIMARY KEY, calls INTEGER NOT NULL, cached INTEGER NOT NULL, retries INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cost_usd REAL NOT NULL, faults TEXT NOT NULL) STRICT;
)sql",
    R"sql(
ALTER TABLE iterations ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE iterations ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE iterations ADD COLUMN reason TEXT NOT NULL DEFAULT '';
)sql",
};
constexpr std::int64_t kVersion = kMigrations.size();

std::int64_t number(Database& database, const char* sql) {
  Statement statement(database, sql);
  statement.step();
  return statement.integer(0);
}

std::int64_t version_of(Database& database) {
  const std::int64_t application = number(database, "PRAGMA application_id");
  const std::int64_t version = number(database, "PRAGMA user_version");
  if (application == 0 && version == 0 && number(database, "SELECT count(*) FROM sqlite_master") == 0) return 0;  // new
  if (application != kApplicationId)
    throw Error(ErrorKind::data, "is a database of another program, not a run store", database.path(), "give the path of another file");
  if (version > kVersion)
    throw Error(ErrorKind::data,
                "was written by a newer iteralign: schema " + std::to_string(version) + ", this program knows " + std::to_string(kVersion),
                database.path(), "use that program, or start a new run");
  return version;
}

}  // namespace

void migrate(Database& database) {
  database.execute("PRAGMA foreign_keys = ON");
  if (version_of(database) == kVersion) return;
  Transaction transaction(database);
  const std::int64_t version = version_of(database);  // again: another process may have been quicker
  for (std::int64_t step = version; step < kVersion; ++step) database.execute(kMigrations[static_cast<std::size_t>(step)]);
  database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  database.execute(("PRAGMA user_version = " + std::to_string(kVersion)).c_str());
  transaction.commit();
}

}  // namespace iteralign
