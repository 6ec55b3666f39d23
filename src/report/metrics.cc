#include "report/metrics.h"

#include <ctime>

#include "core/json.h"
#include "report/run_summary.h"
#include "report/tensorboard.h"

namespace iteralign {
namespace {

constexpr std::string_view kEvalPrefix = "eval_";

std::string utc(double unix_seconds) {
  const auto seconds = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

MetricPoint evaluation_point(const Evaluation& evaluation, double time, std::int64_t step) {
  MetricPoint point{time, step, evaluation.iteration, true, {}};
  for (const auto& [name, rate] : {std::pair("eval_heldout_negative_rate", &evaluation.heldout),
                                   {"eval_benign_refusal_rate", &evaluation.benign},
                                   {"eval_lookalike_refusal_rate", &evaluation.lookalike},
                                   {"eval_twin_refusal_rate", &evaluation.twin},
                                   {"eval_benign_unhelpful_rate", &evaluation.benign_unhelpful},
                                   {"eval_lookalike_unhelpful_rate", &evaluation.lookalike_unhelpful},
                                   {"eval_twin_unhelpful_rate", &evaluation.twin_unhelpful}})
    if (rate->n > 0) point.values.emplace_back(name, rate->rate);
  return point;
}

MetricPoint train_point(const TrainStep& step, int iteration, double time, std::int64_t global_step) {
  return {time,
          global_step,
          iteration,
          false,
          {{"epoch", step.epoch},
           {"loss", step.loss},
           {"grad_norm", step.grad_norm},
           {"learning_rate", step.learning_rate},
           {"num_tokens", static_cast<double>(step.num_tokens)}}};
}

std::string tag(const MetricPoint& point, const std::string& name) {
  return point.evaluation ? "eval/" + name.substr(kEvalPrefix.size()) : "train/" + name;
}

}  // namespace

std::vector<MetricPoint> metric_points(RunStore& store) {
  std::vector<MetricPoint> points;
  std::int64_t global_step = 0;
  for (int iteration = 0; iteration <= last_iteration(store); ++iteration) {
    const auto steps = store.train_steps(iteration);
    const auto times = store.train_step_times(iteration);
    for (std::size_t i = 0; i < steps.size() && i < times.size(); ++i)
      points.push_back(train_point(steps[i], iteration, times[i], ++global_step));
    const auto evaluation = store.evaluation(iteration);
    if (evaluation) points.push_back(evaluation_point(*evaluation, store.evaluation_time(iteration).value_or(0.0), global_step));
  }
  return points;
}

std::string metrics_jsonl(const std::vector<MetricPoint>& points) {
  std::string lines;
  for (const auto& point : points) {
    Json line = {{"time", utc(point.time)}, {"iteration", point.iteration}, {"step", point.step}};
    for (const auto& [name, value] : point.values) line[name] = name == "num_tokens" ? Json(static_cast<std::int64_t>(value)) : Json(value);
    lines += dump_json(line) + "\n";
  }
  return lines;
}

std::string tensorboard_file(const std::vector<MetricPoint>& points) {
  if (points.empty()) return {};
  std::string records = tensorboard_version_record(points.front().time);
  for (const auto& point : points)
    for (const auto& [name, value] : point.values)
      records += tensorboard_scalar_record(point.time, point.step, tag(point, name), static_cast<float>(value));
  return records;
}

}  // namespace iteralign
