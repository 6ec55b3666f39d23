#pragma once
// Perplexity: how well a model foresees a text.

#include <functional>
#include <string>
#include <vector>

#include "iteralign/base_model.h"
#include "tasks/task_result.h"

namespace iteralign {

// exp of the mean negative log-likelihood of all tokens; the interval is a bootstrap over documents.
// `path`: training data (JSON: the answers count, in the model's chat template, the prompts do not) or a text, whose paragraphs are the
// documents, each from its beginning. `limit`: the first so many documents; 0: all. Error data when there is no document.
TaskResult perplexity(const std::string& path, std::size_t limit, BaseModel& model, const std::function<bool()>& should_stop);

}  // namespace iteralign
