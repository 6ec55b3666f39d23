#include "tasks/perplexity.h"

#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/strings.h"
#include "data/sft_files.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kDocumentsAtOnce = 64;
std::vector<ScoreRequest> paragraphs(const std::string& text) {
  std::vector<ScoreRequest> documents;
  std::string paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) documents.push_back({.context = "", .continuations = {std::exchange(paragraph, {})}});
  };
  for (const std::string_view line : split_lines(text)) {
    if (trim(line).empty()) {
      end_paragraph();
      continue;
    }
    if (!paragraph.empty()) paragraph += '\n';
    paragraph += line;
  }
  end_paragraph();
  return documents;
}

std::vector<ScoreRequest> answers_of(const std::string& path) {
  std::vector<ScoreRequest> documents;
  const auto [examples, left_out] = read_sft_file(path);
  if (!left_out.empty()) log_warning("{}: left out are {}", path, left_out);
  for (const TrainExample& example : examples)
    documents.push_back({.context = "", .continuations = {example.completion}, .messages = example.messages});
  return documents;
}

TaskSample sample_of(const ScoreRequest& request, const Score& score) {
  const auto tokens = static_cast<double>(score.token_loglikelihoods.size());
  Json doc = {{"text", request.continuations[0]}};
  if (!request.messages.empty()) doc["prompt"] = request.messages.back().content;
  return {.group = "",
          .doc = std::move(doc),
          .target = request.continuations[0],
          .arguments = Json::array(),
          .responses = {{"loglikelihood", score.loglikelihood}, {"tokens", score.token_loglikelihoods.size()}},
          .unjudged = tokens > 0 ? "" : "no token",
          .value = tokens > 0 ? std::exp(-score.loglikelihood / tokens) : 0};
}

Measure measure(const std::vector<TaskSample>& samples) {
  std::vector<double> losses, tokens;
  for (const TaskSample& sample : samples) {
    if (!sample.unjudged.empty()) continue;
    losses.push_back(-sample.responses["loglikelihood"].get<double>());
    tokens.push_back(sample.responses["tokens"].get<double>());
  }
  const ValueEstimate loss = estimate_ratio(losses, tokens);
  Measure found{.metric = "perplexity", .group = "", .higher_is_better = false, .n = loss.n};
  if (loss.n > 0) found.value = std::exp(loss.mean);
  if (loss.interval) found.interval = {std::exp(loss.interval->low), std::exp(loss.interval->high)};
  return found;
}

}  // namespace

std::vector<ScoreRequest> read_documents(const std::string& path) {
  const bool is_text = !path.ends_with(".json") && !path.ends_with(".jsonl") && !path.ends_with(".gz");
  std::vector<ScoreRequest> documents = is_text ? paragraphs(read_file(path)) : answers_of(path);
  if (documents.empty()) throw Error(ErrorKind::data, "has no text", path);
  return documents;
}

TaskResult perplexity(const std::string& path, std::size_t limit, Scorer& scorer, const std::function<bool()>& should_stop) {
  std::vector<ScoreRequest> documents = read_documents(path);
  TaskResult result{
      .task = "perplexity", .description = "of all tokens", .metric = "perplexity", .version = 1, .data = path, .items = documents.size()};
  if (limit > 0 && documents.size() > limit) documents.resize(limit);
  Progress progress("perplexity", static_cast<std::int64_t>(documents.size()), "documents");
  for (std::size_t begin = 0; begin < documents.size(); begin += kDocumentsAtOnce) {
    const std::size_t end = std::min(begin + kDocumentsAtOnce, documents.size());
    const std::vector<ScoreRequest> together(documents.begin() + static_cast<std::ptrdiff_t>(begin),
                                             documents.begin() + static_cast<std::ptrdiff_t>(end));
    const auto scores = scorer.score(
        together, [&](std::size_t) { progress.add(); }, should_stop);
    for (std::size_t i = begin; i < end; ++i) result.samples.push_back(sample_of(documents[i], scores[i - begin][0]));
  }
  result.measures = {measure(result.samples)};
  return result;
}

}  // namespace iteralign
