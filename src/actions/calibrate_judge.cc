#include "actions/calibrate_judge.h"

#include "actions/oracle_client.h"
#include "asking/judge.h"
#include "core/files.h"
#include "store/run_store.h"

namespace iteralign {

Calibration calibrate_judge(const Config& config, const LabelledAnswers& answers, int repeats) {
  const std::string folder = config.runs_dir.empty() ? "." : config.runs_dir;
  make_directories(folder);
  RunStore store(join_path(folder, "judge-calibration.db"));
  const PromptTexts texts(config);
  const auto oracle = make_oracle(config, store.reply_cache(), {});
  return calibrate(Judge(*oracle, texts, config.judge), answers, repeats, config.oracle.concurrency, oracle_name(config));
}

}  // namespace iteralign
