#include "report/lm_eval_files.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>

#include "core/files.h"
#include "core/hash.h"
#include "statistics/normal.h"

namespace iteralign {
namespace {

// The standard error that a 95 % interval of this width stands for; "N/A" as lm-evaluation-harness writes it where there is none.
Json standard_error(const Measure& measure) {
  return measure.interval ? Json((measure.interval->high - measure.interval->low) / (2 * kZ95)) : Json("N/A");
}

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json measure_json(const std::string& alias, const Measure& measure) {
  Json json = {{"alias", alias},
               {measure.metric + ",none", number(measure.value)},
               {measure.metric + "_stderr,none", standard_error(measure)},
               {measure.metric + "_low95,none", measure.interval ? Json(measure.interval->low) : Json()},
               {measure.metric + "_high95,none", measure.interval ? Json(measure.interval->high) : Json()},
               {"sample_len", measure.n}};
  if (measure.unjudged > 0) {
    json["unjudged,none"] = measure.unjudged;
    json["unjudged_reasons,none"] = measure.reasons;
  }
  return json;
}

Json config_json(const TaskResult& result) {
  Json metadata = {{"version", result.version}, {"data", result.data}, {"items", result.items}};
  if (!result.edition.empty()) metadata["edition"] = result.edition;
  if (!result.judge.empty()) metadata["judge"] = result.judge;
  return {{"task", result.task}, {"description", result.description}, {"metadata", std::move(metadata)}};
}

// A group of a task stands beside it, as a task of its own.
std::string name_of(const TaskResult& result, const Measure& measure) {
  return measure.group.empty() ? result.task : result.task + "_" + measure.group;
}

// As lm-evaluation-harness names the folder of a model.
std::string sanitized(const std::string& model) {
  std::string name;
  for (const char c : model) {
    const bool bad = std::string_view("<>:\"/\\|?*[]").find(c) != std::string_view::npos;
    if (!bad)
      name += c;
    else if (!name.ends_with("__"))
      name += "__";
  }
  return name;
}

std::string time_text(std::int64_t seconds) { return fmt::format("{:%Y-%m-%dT%H-%M-%S}", fmt::gmtime(static_cast<std::time_t>(seconds))); }

std::string model_name(const EvaluationInfo& info) { return info.model + (info.adapter.empty() ? "" : "+" + info.adapter); }

std::string model_args(const EvaluationInfo& info) {
  return "pretrained=" + info.model + (info.adapter.empty() ? "" : ",peft=" + info.adapter);
}

}  // namespace

Json lm_eval_results(const std::vector<TaskResult>& results, const EvaluationInfo& info) {
  Json all = Json::object(), subtasks = Json::object(), configs = Json::object(), versions = Json::object(), shots = Json::object(),
       higher = Json::object(), counts = Json::object();
  for (const TaskResult& result : results) {
    subtasks[result.task] = Json::array();
    for (const Measure& measure : result.measures) {
      const std::string name = name_of(result, measure);
      all[name] = measure_json(measure.group.empty() ? name : " - " + measure.group, measure);
      higher[name] = {{measure.metric, measure.higher_is_better}};
      counts[name] = {{"original", measure.n + measure.unjudged}, {"effective", measure.n}};
    }
    configs[result.task] = config_json(result);
    versions[result.task] = result.version;
    shots[result.task] = 0;
  }
  return {{"results", std::move(all)},
          {"group_subtasks", std::move(subtasks)},
          {"configs", std::move(configs)},
          {"versions", std::move(versions)},
          {"n-shot", std::move(shots)},
          {"higher_is_better", std::move(higher)},
          {"n-samples", std::move(counts)},
          {"config",
           {{"model", "iteralign"},
            {"model_args", model_args(info)},
            {"model_description", info.description},
            {"limit", info.limit == 0 ? Json() : Json(info.limit)},
            {"bootstrap_iters", 10000}}},
          {"git_hash", nullptr},
          {"iteralign_version", info.version},
          {"date", info.start},
          {"notes", info.notes},
          {"model_source", "iteralign"},
          {"model_name", model_name(info)},
          {"model_name_sanitized", sanitized(model_name(info))},
          {"chat_template", info.chat_template.empty() ? Json() : Json(info.chat_template)},
          {"chat_template_sha", info.chat_template.empty() ? Json() : Json(sha256_hex(info.chat_template))},
          {"start_time", info.start},
          {"end_time", static_cast<double>(info.start) + info.seconds},
          {"total_evaluation_time_seconds", fmt::format("{:.3f}", info.seconds)}};
}

Json lm_eval_sample(const TaskResult& result, std::size_t index) {
  const TaskSample& sample = result.samples[index];
  Json asked = sample.doc;  // without where it was read from: the same prompt has the same hash in every file
  if (asked.is_object()) asked.erase("source");
  Json json = {{"doc_id", index},
               {"doc", sample.doc},
               {"target", sample.target},
               {"arguments", sample.arguments},
               {"resps", sample.responses},
               {"filtered_resps", sample.responses},
               {"filter", "none"},
               {"metrics", {result.metric}},
               {"doc_hash", sha256_hex(dump_json(asked))},
               {"prompt_hash", sha256_hex(dump_json(sample.arguments))},
               {"target_hash", sha256_hex(dump_json(sample.target))},
               {result.metric, sample.unjudged.empty() ? Json(sample.value) : Json()}};
  if (!sample.group.empty()) json["group"] = sample.group;
  return json;
}

std::string write_lm_eval_files(const std::string& folder, const std::vector<TaskResult>& results, const EvaluationInfo& info) {
  const std::string inside = join_path(folder, sanitized(model_name(info))), time = time_text(info.start);
  make_directories(inside);
  for (const TaskResult& result : results) {
    std::string lines;
    for (std::size_t i = 0; i < result.samples.size(); ++i) lines += dump_json(lm_eval_sample(result, i)) + "\n";
    write_file_atomic(join_path(inside, fmt::format("samples_{}_{}.jsonl", result.task, time)), lines);
  }
  const std::string path = join_path(inside, fmt::format("results_{}.json", time));
  write_file_atomic(path, dump_json_pretty(lm_eval_results(results, info)) + "\n");
  return path;
}

}  // namespace iteralign
