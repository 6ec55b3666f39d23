#pragma once
// The curves of a run: metrics.jsonl and TensorBoard's file are both made from this list.

#include <string>
#include <utility>
#include <vector>

#include "store/run_store.h"

namespace iteralign {

// What is known at one moment. Names are those of Hugging Face's Trainer: "loss", "learning_rate", "eval_...".
struct MetricPoint {
  double time = 0.0;      // Unix seconds
  std::int64_t step = 0;  // optimizer steps of all iterations so far
  int iteration = 0;
  bool evaluation = false;
  std::vector<std::pair<std::string, double>> values;
};

// In the order in which they came: the evaluation of the base model, then of each iteration the training steps and the evaluation.
std::vector<MetricPoint> metric_points(RunStore& store);

// JSON Lines {"time", "iteration", "step", names ...}.
std::string metrics_jsonl(const std::vector<MetricPoint>& points);

// Tags "train/loss", "eval/heldout_negative_rate", ... Empty when there are no points.
std::string tensorboard_file(const std::vector<MetricPoint>& points);

}  // namespace iteralign
