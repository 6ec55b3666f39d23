#pragma once
// Do tokenizer, config.json and generation_config.json mean the same tokens?

#include "doctor/finding.h"
#include "doctor/model_files.h"

namespace iteralign {

// Needs `files.renderer`.
void check_stop_tokens(const ModelFiles& files, Findings& findings);
// Needs `files.renderer`.
void check_pad_token(const ModelFiles& files, Findings& findings);
// Needs `files.renderer` and `files.config`.
void check_vocabulary(const ModelFiles& files, Findings& findings);

}  // namespace iteralign
