#pragma once
// Red-team, benign and look-alike prompts from the files that people have, told apart by content, not by name:
//   JSON          a list of texts or records, columns, a list by name, or {topic: {subtopic: [...]}} (record_shapes.h)
//   JSON Lines    records or texts
//   YAML          the same shapes, PyRIT's seeds, promptfoo's tests (promptfoo.h)
//   tables        separated by commas, semicolons, tabs or pipes, with a header (tables.h)
//   plain text    one prompt a line
// each also gzipped; prompt_record.h says which field of a record is the prompt. What is none of these is refused, with what was seen.
// docs/formats.md is the table of these rules.

#include <string>
#include <vector>

#include "iteralign/records.h"

namespace iteralign {

enum class PromptFilter {
  all,
  only_safe,  // without the records that say they are unsafe: XSTest's label `unsafe` and types `contrast_*`
};

// The prompts of a file, or of all data files in a folder (.json, .jsonl, .ndjson, .csv, .tsv, .yaml, .yml, .txt, each also .gz; sorted by
// path; SOURCE, LICENSE, README and NOTICE left out). Category and source are set; the ids are prompt_id()'s; duplicates stay.
// Throws Error data: a broken record with file and line, content in no known form, a file without prompts.
std::vector<Prompt> read_prompts(const std::string& path, PromptFilter filter = PromptFilter::all);

}  // namespace iteralign
