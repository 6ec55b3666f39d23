#include "actions/export_run.h"

#include "actions/publish_run.h"
#include "actions/run_model.h"
#include "config/config.h"
#include "core/files.h"
#include "core/log.h"
#include "core/outputs.h"
#include "iteralign/error.h"
#include "report/cards.h"
#include "stages/gate_coverage.h"

namespace iteralign {

void export_run(const std::string& folder, ModelExport wanted) {
  RunStore store(join_path(folder, "run.db"));
  const RunInfo info = run_info(store);
  const Config config = parse_config(info.config, "run.db");
  const RunModel model = run_model(folder, store, config);
  wanted.model.path = model.options.path;
  wanted.model.adapter = model.options.adapter;
  if (wanted.model.chat_template.empty()) wanted.model.chat_template = config.model.chat_template;
  wanted.inputs = {wanted.model.path, wanted.model.adapter, join_path(folder, "run.db")};
  wanted.card = model_card(store, info, model.iteration, wanted.format == "peft");
  export_model(wanted);
}

void export_dataset(const std::string& folder, DatasetFormat format, const ModelExport& wanted) {
  const std::string database = join_path(folder, "run.db");
  OutputFolder out(wanted.out, {.inputs = {database}, .overwrite = wanted.overwrite});
  RunStore store(database);
  const auto pairs = all_pairs(store);
  if (dataset_size(format, pairs) == 0) throw Error(ErrorKind::usage, "has no training pairs yet", folder, "let it finish an iteration");
  if (all_rolled_back(store))
    log_warning("{}: no weights that were trained on these pairs were accepted: every iteration was rolled back", folder);
  make_directories(out.path());
  write_file_atomic(join_path(out.path(), dataset_file_name(format)), dataset_text(format, pairs));
  write_file_atomic(join_path(out.path(), "README.md"), dataset_card(store, run_info(store), format));
  out.commit();
}

}  // namespace iteralign
