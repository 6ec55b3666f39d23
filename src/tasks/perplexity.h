#pragma once
// Perplexity: how well a model predicts a text.

#include <functional>
#include <string>
#include <vector>

#include "iteralign/scorer.h"
#include "tasks/task_result.h"

namespace iteralign {

// The documents of `path`: training data (JSON: the answers count, in the model's chat template, the prompts do not) or a text, whose
// paragraphs they are. Error data when there is none.
std::vector<ScoreRequest> read_documents(const std::string& path);

// exp of the mean negative log-likelihood of all tokens; the interval is a bootstrap over documents. Every document is scored from its
// beginning. `limit`: only the first documents; 0: all.
TaskResult perplexity(const std::string& path, std::size_t limit, Scorer& scorer, const std::function<bool()>& should_stop);

}  // namespace iteralign
