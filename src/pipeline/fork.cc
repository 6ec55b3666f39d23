#include "pipeline/fork.h"

#include <fmt/format.h>

#include <filesystem>

#include "config/config.h"
#include "core/files.h"
#include "core/log.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "pipeline/run_folder.h"
#include "stages/twins.h"
#include "store/run_store.h"
#include "tasks/suite.h"

namespace iteralign {
namespace {

StageEnd end_of(RunStore& from, const std::string& from_folder, const ForkPoint& point) {
  const int finished = static_cast<int>(from.iterations().size());
  const int last = finished + (from.responses(finished + 1, PromptSet::red_team).empty() ? 0 : 1);
  const int iteration = point.iteration == 0 ? last : point.iteration;
  if (last == 0 || iteration > last)
    throw Error(ErrorKind::usage,
                last == 0 ? "has begun no iteration yet" : fmt::format("has no iteration {}: its last is {}", iteration, last), from_folder,
                "go on with that run first");
  if (point.after >= IterationStage::finetune && iteration > finished)
    throw Error(ErrorKind::usage, fmt::format("iteration {} is not finished, so its weights cannot be kept", iteration), from_folder,
                "fork it with --after revise, or go on with that run first");
  return {iteration, point.after};
}

// From the second iteration on what is kept has gone through every stage.
void check_what_is_kept(RunStore& from, const std::string& from_folder, const Config& config, const StageEnd& kept) {
  const IterationStage last_stage = kept.iteration == 1 ? kept.stage : IterationStage::evaluate;
  const auto differences = config_differences(from.meta("config").value_or(""), config, from.has_replies(), last_stage);
  if (!differences.empty())
    throw Error(ErrorKind::usage, "what would be kept depends on keys that have changed:\n  " + join(differences, "\n  "), from_folder,
                "set these back, or fork after an earlier stage, of --iteration 1");
}

void copy_weights(const std::string& from_folder, const std::string& to_folder, const StageEnd& kept) {
  const int last = kept.stage >= IterationStage::finetune ? kept.iteration : kept.iteration - 1;
  for (int i = 1; i <= last; ++i)
    for (const char* weights : {"adapter", "checkpoint"}) {
      const std::string from = join_path(iteration_folder(from_folder, i), weights);
      if (!exists(from)) continue;
      make_directories(iteration_folder(to_folder, i));
      std::error_code error;
      std::filesystem::copy(from, join_path(iteration_folder(to_folder, i), weights), std::filesystem::copy_options::recursive, error);
      if (error) throw Error(ErrorKind::failed, "cannot be copied: " + error.message(), from);
    }
}

// What people decided for the new run; without it what they decided for the other.
void copy_decisions(const std::string& from_folder, const std::string& folder, const std::string& to_folder) {
  for (const std::string& place : {folder, from_folder})
    if (const std::string decisions = join_path(place, kDecisions); exists(decisions))
      return write_file_atomic(join_path(to_folder, kDecisions), read_file(decisions));
}

// Twins are trained on, and asked for at the beginning: what configuration says of them may change until the first training. Asked for
// again they come from the replies that are kept.
std::vector<std::string> meta_left_out(const StageEnd& kept) {
  std::vector<std::string> keys = {"config", "status", "wall_seconds", kSafetySuite};
  if (kept.iteration == 1 && kept.stage < IterationStage::finetune) keys.emplace_back(kTwinsAsked);
  return keys;
}

}  // namespace

void fork_run(const std::string& from_folder, const Config& config, const std::optional<ForkPoint>& point) {
  const std::string folder = run_folder(config), from_path = run_store_path(from_folder);
  if (exists(run_store_path(folder)))
    throw Error(ErrorKind::usage, "there is a run of that name already", folder, "choose another --fork NAME");
  if (!exists(from_path)) throw Error(ErrorKind::usage, "there is no run to start from", from_folder);
  check_new_folder(folder);
  PendingDirectory pending(folder);
  copy_decisions(from_folder, folder, pending.path());
  {
    RunStore store(run_store_path(pending.path()));
    if (!point) {
      store.copy_replies_from(from_path);
    } else {
      RunStore from(from_path);
      const StageEnd kept = end_of(from, from_folder, *point);
      check_what_is_kept(from, from_folder, config, kept);
      copy_weights(from_folder, pending.path(), kept);
      store.copy_records_from(from_path, kept, meta_left_out(kept));
      store.set_meta("config", resolved_yaml(config));
      log_info("{} begins with what {} has after {} of iteration {}", folder, from_folder, name(kept.stage), kept.iteration);
    }
  }
  pending.commit();
}

}  // namespace iteralign
