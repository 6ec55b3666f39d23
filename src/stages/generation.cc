#include "stages/generation.h"

#include "iteralign/error.h"

namespace iteralign {

void generate_into_pool(const Stage& stage, const std::vector<GenerateRequest>& requests, TaskPool& pool, const OnGenerated& on_done) {
  std::exception_ptr error;
  try {
    if (!requests.empty()) answer_all(stage.answerer, requests, on_done, [&] { return pool.failed() || stage.should_stop(); });
  } catch (...) {
    error = std::current_exception();
  }
  pool.wait();  // the pool's own Error is the cause when it stopped the generation
  if (error) std::rethrow_exception(error);
  if (stage.should_stop()) throw Error(ErrorKind::interrupted, "stopped");
}

}  // namespace iteralign
