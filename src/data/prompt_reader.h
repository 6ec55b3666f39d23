#pragma once
// Red-team, benign and look-alike prompts from the files that people have, told apart by content, not by name:
//   JSON          an array of strings or records, or {topic: {subtopic: [strings]}} as HarmfulQA (category "topic/subtopic")
//   JSON Lines    records or plain strings
//   CSV           with a header (RFC 4180)
//   plain text    one prompt a line
// each also gzipped. A record holds `prompt` (text or messages), `messages`, `conversations`, `turns` (the first), `question`, `goal`,
// `instruction` (and `input`), `text`, ..., `chosen` of hh-rlhf or `transcript` of red_team_attempts: all up to the last human turn.

#include <string>
#include <vector>

#include "iteralign/records.h"

namespace iteralign {

enum class PromptFilter {
  all,
  only_safe,  // without the records that say they are unsafe: XSTest's label `unsafe` and types `contrast_*`
};

// The prompts of a file, or of all data files in a folder (.json, .jsonl, .ndjson, .csv, .txt, each also .gz; sorted by path;
// SOURCE.txt, LICENSE.txt, README.txt and NOTICE.txt left out). Category and source are set; the ids are prompt_id()'s; duplicates stay.
// Throws Error data: a broken record with file and line, content in no known form, a file without prompts.
std::vector<Prompt> read_prompts(const std::string& path, PromptFilter filter = PromptFilter::all);

}  // namespace iteralign
