#pragma once
// Whether a GGUF file holds the same as a model folder. Only the files are compared, so this works for every architecture.

#include "doctor/finding.h"
#include "doctor/model_files.h"
#include "formats/gguf.h"

namespace iteralign {

// Sizes, rotary embedding, eps. Needs `files.config`.
void check_gguf_config(const GgufFile& gguf, const ModelFiles& files, Findings& findings);
// Vocabulary, merges, special tokens. Needs `files.config` and `files.renderer`.
void check_gguf_tokens(const GgufFile& gguf, const ModelFiles& files, Findings& findings);
// Needs `files.renderer`.
void check_gguf_template(const GgufFile& gguf, const ModelFiles& files, Findings& findings);
// Every tensor, within what its type loses. `reference` is the model that the file was made from, adapter and all.
void check_gguf_weights(const GgufFile& gguf, const Checkpoint& reference, const ModelConfig& config, Findings& findings);

// How much quantisation to this type loses: the largest root mean square of the differences in a sound tensor, relative to the root mean
// square of its values.
double gguf_loss(const GgmlType& type);
// The coarsest type among the file's matrices.
GgmlType coarsest_type(const GgufFile& gguf);

}  // namespace iteralign
