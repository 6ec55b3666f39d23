#include "report/lm_eval_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "core/files.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Python's json module writes NaN and Infinity, which are no JSON: null.
std::string without_python_constants(std::string_view text) {
  std::string clean;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\' && i + 1 < text.size()) {
      clean += text.substr(i++, 2);
      continue;
    }
    if (c == '"') in_string = !in_string;
    const std::string_view rest = text.substr(i);
    const auto constant = [&]() -> std::size_t {
      for (const std::string_view word : {"NaN", "-Infinity", "Infinity"})
        if (rest.starts_with(word)) return word.size();
      return 0;
    };
    const std::size_t length = in_string ? 0 : constant();
    clean += length > 0 ? "null" : std::string(1, c);
    if (length > 0) i += length - 1;
  }
  return clean;
}

Json parse_python_json(std::string_view text, const std::string& where) { return parse_json(without_python_constants(text), where); }

const Json& member(const Json& object, const std::string& key) {
  static const Json kNone;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNone;
}

// The first text of a document that is more than a label.
std::string text_of(const Json& doc) {
  for (const char* key : {"question", "input", "prompt", "text"})
    if (member(doc, key).is_string()) return doc[key];
  return dump_json(doc);
}

bool is_dialogue(const Json& arguments) {
  return arguments.is_array() && !arguments.empty() &&
         std::ranges::all_of(arguments, [](const Json& turn) { return member(turn, "role").is_string(); });
}

// What was asked. The documents of our judged tasks also say where they were read; the dialogue itself does not.
std::string item_key(const Json& sample) {
  const Json &doc = member(sample, "doc"), &arguments = member(sample, "arguments");
  if (member(doc, "source").is_string() && is_dialogue(arguments)) return hash128_hex(dump_json(arguments));
  return doc.is_null() ? sample["doc_hash"].get<std::string>() : hash128_hex(dump_json(doc));
}

// A log-likelihood and the number of its words, bytes or tokens.
bool is_weighted(const Json& value) {
  return value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number() && value[1] > 0;
}

// The value of a metric in a sample; a value of another kind makes the metric unusable.
EvaluatedItem read_item(const Json& sample, EvaluatedTask& task) {
  EvaluatedItem item{.text = text_of(member(sample, "doc")), .value = {}};
  const Json &value = member(sample, task.metric), &responses = member(sample, "resps");
  const auto take_loss = [&](const Json& loglikelihood, const Json& weight, double unit) {
    item.value = -loglikelihood.get<double>() / unit;
    item.weight = weight.get<double>();
  };
  const bool of_tokens = member(responses, "loglikelihood").is_number() && member(responses, "tokens").is_number();
  if (task.metric == "perplexity" && of_tokens && responses["tokens"] > 0) {
    take_loss(responses["loglikelihood"], responses["tokens"], 1);
  } else if (task.metric == "perplexity" && value.is_number()) {
    take_loss(value, 1, 1);
  } else if ((task.metric == "word_perplexity" || task.metric == "byte_perplexity") && is_weighted(value)) {
    take_loss(value[0], value[1], 1);
  } else if (task.metric == "bits_per_byte" && is_weighted(value)) {
    take_loss(value[0], value[1], std::numbers::ln2);
  } else if (value.is_number() || value.is_boolean()) {
    item.value = value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
  } else if (!value.is_null()) {
    task.unusable = "its items are neither numbers nor true or false: the metric is of all of them together";
  }
  return item;
}

// Samples of older files do not name their metrics: those of the results count.
std::vector<std::string> metrics_of(const Json& sample, const Json& result) {
  if (const Json& metrics = member(sample, "metrics"); metrics.is_array()) return metrics.get<std::vector<std::string>>();
  std::vector<std::string> metrics;
  for (const auto& [key, value] : sample.items()) {
    const bool measured = std::ranges::any_of(result.items(), [&](const auto& measure) { return measure.key().starts_with(key + ","); });
    if (measured) metrics.push_back(key);
  }
  return metrics;
}

// One samples file; a task for each metric and filter, and for each group where a group is good when it is high and another when it is low.
class SamplesReader {
 public:
  SamplesReader(const Json& results, std::string task) : results_(results), task_(std::move(task)) {}

  void read(const std::string& path) {
    const std::string text = read_file_gz(path);
    std::size_t number = 0;
    for (const std::string_view line : split_lines(text)) {
      ++number;
      if (!trim(line).empty()) add(parse_line(line, path, number), fmt::format("{}:{}", path, number));
    }
  }

  std::vector<EvaluatedTask> tasks() && { return std::move(tasks_); }

 private:
  static Json parse_line(std::string_view line, const std::string& path, std::size_t number) {
    try {
      return parse_python_json(line, path);
    } catch (const Error& error) {
      throw Error(error.kind(), error.text(), fmt::format("{}:{}", path, number), error.hint());
    }
  }

  void add(const Json& sample, const std::string& where) {
    const std::vector<std::string> metrics = metrics_of(sample, member(member(results_, "results"), task_));
    if (metrics.empty() || (member(sample, "doc").is_null() && !member(sample, "doc_hash").is_string()))
      throw Error(ErrorKind::data, "is not a sample of lm-evaluation-harness", where, "evaluate again with --out, or with --log_samples");
    std::string filter = member(sample, "filter").is_string() ? sample["filter"].get<std::string>() : "";
    if (filter == "none") filter.clear();
    for (const std::string& metric : metrics) {
      EvaluatedTask& task = task_of(name_of(sample, metric), filter, metric);
      EvaluatedItem item = read_item(sample, task);
      // An item that occurs several times counts as several items.
      const std::string key = item_key(sample);
      std::string unique = key;
      for (int copy = 2; task.items.contains(unique); ++copy) unique = fmt::format("{}#{}", key, copy);
      task.items[unique] = std::move(item);
    }
  }

  const Json& direction(const std::string& task, const std::string& metric) const {
    return member(member(member(results_, "higher_is_better"), task), metric);
  }

  std::string name_of(const Json& sample, const std::string& metric) const {
    if (!member(sample, "group").is_string()) return task_;
    const std::string prefix = task_ + "_";
    const Json& of_all = direction(task_, metric);
    for (const auto& [name, measures] : member(results_, "higher_is_better").items())
      if (const Json& of_group = member(measures, metric); name.starts_with(prefix) && of_group.is_boolean() && of_group != of_all)
        return prefix + sample["group"].get<std::string>();
    return task_;
  }

  EvaluatedTask& task_of(const std::string& name, const std::string& filter, const std::string& metric) {
    const auto known = std::ranges::find_if(
        tasks_, [&](const EvaluatedTask& task) { return task.task == name && task.filter == filter && task.metric == metric; });
    if (known != tasks_.end()) return *known;
    EvaluatedTask task{.task = name, .filter = filter, .metric = metric, .version = member(member(results_, "versions"), task_)};
    if (const Json& higher = direction(name, metric); higher.is_boolean()) task.higher_is_better = higher.get<bool>();
    if (metric.ends_with("perplexity")) task.scale = Scale::perplexity;
    const Json& metadata = member(member(member(results_, "configs"), task_), "metadata");
    if (member(metadata, "judge").is_string()) task.judge = metadata["judge"];
    return tasks_.emplace_back(std::move(task));
  }

  const Json& results_;
  std::string task_;
  std::vector<EvaluatedTask> tasks_;
};

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string parent(const std::string& path) { return path.rfind('/') == std::string::npos ? "." : path.substr(0, path.rfind('/')); }

std::string newest_results(const std::string& folder) {
  std::vector<std::string> found;
  std::set<std::string> folders;
  for (const std::string& path : list_files(folder)) {
    const std::string name = file_name(path);
    if (!name.starts_with("results_") || !name.ends_with(".json")) continue;
    found.push_back(path);
    folders.insert(parent(path));
  }
  if (found.empty()) throw Error(ErrorKind::data, "has no results_<time>.json", folder, "iteralign eval --out DIR writes one");
  if (folders.size() > 1)
    throw Error(ErrorKind::usage, "holds evaluations of several models", folder,
                "give one of " + join({folders.begin(), folders.end()}, ", "));
  const std::string newest = *std::ranges::max_element(found, {}, file_name);
  if (found.size() > 1) log_info("{}: of {} evaluations the newest is read, {}", folder, found.size(), file_name(newest));
  return newest;
}

// Of "pretrained=a,peft=b", or of an object.
std::string argument(const Json& results, const std::string& key) {
  const Json& arguments = member(member(results, "config"), "model_args");
  if (const Json& value = member(arguments, key); value.is_string()) return value;
  if (arguments.is_string())
    for (const std::string& part : split(arguments.get<std::string>(), ','))
      if (trim(part).starts_with(key + "=")) return std::string(trim(part).substr(key.size() + 1));
  return {};
}

// With and without an adapter are two names.
std::string model_of(const Json& results, const std::string& otherwise) {
  const std::string base = argument(results, "pretrained"), adapter = argument(results, "peft");
  if (!base.empty() && !adapter.empty()) return base + " + " + adapter;
  return member(results, "model_name").is_string() ? results["model_name"].get<std::string>() : base.empty() ? otherwise : base;
}

}  // namespace

EvaluatedSet read_evaluation(const std::string& path) {
  const std::string results_path = is_directory(path) ? newest_results(path) : path;
  const Json results = parse_python_json(read_file(results_path), results_path);
  constexpr std::string_view kPrefix = "results_", kSuffix = ".json";
  std::string time = file_name(results_path);
  if (!time.starts_with(kPrefix) || !time.ends_with(kSuffix) || !member(results, "results").is_object())
    throw Error(ErrorKind::data, "is not a results_<time>.json of lm-evaluation-harness", results_path,
                "iteralign eval --out DIR writes one");
  time = time.substr(kPrefix.size(), time.size() - kPrefix.size() - kSuffix.size());
  EvaluatedSet set{.name = model_of(results, path), .tasks = {}};
  for (const std::string& samples : list_files(parent(results_path))) {
    const std::string name = file_name(samples), end = "_" + time + ".jsonl";
    constexpr std::string_view kSamples = "samples_";
    const bool packed = name.ends_with(end + ".gz");
    if (parent(samples) != parent(results_path) || !name.starts_with(kSamples) || (!name.ends_with(end) && !packed)) continue;
    SamplesReader reader(results, name.substr(kSamples.size(), name.size() - kSamples.size() - end.size() - (packed ? 3 : 0)));
    reader.read(samples);
    for (EvaluatedTask& task : std::move(reader).tasks()) set.tasks.push_back(std::move(task));
  }
  for (const Json& note : member(results, "notes"))
    if (note.is_string()) set.warnings.push_back(note);
  if (set.tasks.empty())
    throw Error(ErrorKind::data, "has no samples beside it", results_path, "evaluate with --out, or with --log_samples");
  return set;
}

}  // namespace iteralign
