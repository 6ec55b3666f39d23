// Constitutions, the tests of their principles in context, and the decisions of people.
#include "store/columns.h"
#include "store/run_store.h"
#include "store/sqlite.h"

namespace iteralign {

void RunStore::put_locked(int iteration, const Constitution& constitution) {
  database_->run("DELETE FROM constitutions WHERE iteration = ?", iteration);  // and its principles
  database_->run("INSERT INTO constitutions VALUES (?, ?)", iteration, constitution.version);
  for (std::size_t i = 0; i < constitution.principles.size(); ++i) {
    const Principle& principle = constitution.principles[i];
    database_->run("INSERT INTO principles VALUES (?, ?, ?, ?, ?, ?, ?)", iteration, static_cast<std::int64_t>(i), principle.id,
                   principle.text, principle.area, principle.iteration, to_text(principle.evidence));
  }
}

void RunStore::put_constitution(int iteration, const Constitution& constitution) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  put_locked(iteration, constitution);
  transaction.commit();
}

std::optional<Constitution> RunStore::snapshot_locked(int iteration) {
  Statement version(*database_, "SELECT version FROM constitutions WHERE iteration = ?", iteration);
  if (!version.step()) return std::nullopt;
  Constitution constitution{version.small(0), {}};
  Statement row(*database_, "SELECT id, text, area, iteration, evidence FROM principles WHERE constitution = ? ORDER BY position",
                iteration);
  while (row.step())
    constitution.principles.push_back(
        {.id = row.text(0), .text = row.text(1), .area = row.text(2), .iteration = row.small(3), .evidence = ids_at(row, 4)});
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

void RunStore::put_effects(int iteration, const Constitution& constitution, const std::vector<PrincipleEffect>& effects) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  put_locked(iteration, constitution);
  database_->run("DELETE FROM effects WHERE iteration = ?", iteration);
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const PrincipleEffect& e = effects[i];
    database_->run("INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", iteration, static_cast<std::int64_t>(i), e.text, e.others,
                   e.others_removed, e.own, e.own_removed, e.benign, e.refusals_added, e.rejected);
  }
  transaction.commit();
}

std::vector<PrincipleEffect> RunStore::effects(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_,
                "SELECT text, others, others_removed, own, own_removed, benign, refusals_added, rejected FROM effects "
                "WHERE iteration = ? ORDER BY position",
                iteration);
  std::vector<PrincipleEffect> effects;
  while (row.step())
    effects.push_back({.text = row.text(0),
                       .others = row.small(1),
                       .others_removed = row.small(2),
                       .own = row.small(3),
                       .own_removed = row.small(4),
                       .benign = row.small(5),
                       .refusals_added = row.small(6),
                       .rejected = row.text(7)});
  return effects;
}

void RunStore::put_trial(int iteration, const EffectTrial& trial, const TrialResult& result) {
  const std::lock_guard lock(mutex_);
  database_->run("INSERT OR REPLACE INTO effect_trials VALUES (?, ?, ?, ?, ?)", iteration, trial.principle, trial.prompt_id,
                 name(result.label), result.too_long);
}

std::map<EffectTrial, TrialResult> RunStore::trials(int iteration) {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT principle, prompt_id, label, too_long FROM effect_trials WHERE iteration = ?", iteration);
  std::map<EffectTrial, TrialResult> trials;
  while (row.step()) trials[{row.text(0), row.text(1)}] = {named_at<Label>(row, 2), row.small(3) != 0};
  return trials;
}

void RunStore::put_review(int iteration, const Constitution& constitution, const std::vector<Principle>& removed) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(*database_);
  put_locked(iteration, constitution);
  database_->execute("DELETE FROM removed_principles");
  for (std::size_t i = 0; i < removed.size(); ++i)
    database_->run("INSERT INTO removed_principles VALUES (?, ?, ?, ?, ?)", static_cast<std::int64_t>(i), removed[i].id, removed[i].text,
                   removed[i].area, removed[i].iteration);
  transaction.commit();
}

std::vector<Principle> RunStore::removed_principles() {
  const std::lock_guard lock(mutex_);
  Statement row(*database_, "SELECT id, text, area, iteration FROM removed_principles ORDER BY position");
  std::vector<Principle> removed;
  while (row.step())
    removed.push_back({.id = row.text(0), .text = row.text(1), .area = row.text(2), .iteration = row.small(3), .evidence = {}});
  return removed;
}

}  // namespace iteralign
