#pragma once
// The verbs of the command line, one file each. Results go to stdout, progress and logs to stderr.

#include <CLI/CLI.hpp>

namespace iteralign {

void add_align(CLI::App& app);
void add_plan(CLI::App& app);
void add_init(CLI::App& app);
void add_generate(CLI::App& app);
void add_score(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_chat_template(CLI::App& app);
void add_constitution(CLI::App& app);
void add_compare(CLI::App& app);
void add_eval(CLI::App& app);
void add_finetune(CLI::App& app);
void add_import(CLI::App& app);
void add_export(CLI::App& app);
void add_show(CLI::App& app);
void add_report(CLI::App& app);
void add_doctor(CLI::App& app);
void add_judge(CLI::App& app);
void add_lab(CLI::App& app);
void add_oracle(CLI::App& app);
void add_completion(CLI::App& app);

}  // namespace iteralign
