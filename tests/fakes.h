#pragma once
// Fakes of the two seams. They answer by rule, so that a test reads as a story.

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/files.h"
#include "iteralign/base_model.h"
#include "iteralign/error.h"
#include "iteralign/finish_reason.h"
#include "iteralign/oracle.h"

namespace iteralign {

// A base model whose answers come from a function of the messages and of how often it was trained.
class FakeModel : public BaseModel {
 public:
  using Answer = std::function<std::string(const Messages&, int trainings)>;
  explicit FakeModel(Answer answer) : answer_(std::move(answer)) {}

  std::vector<Generation> generate(const std::vector<GenerateRequest>& requests, const OnGenerated& on_done,
                                   const std::function<bool()>& should_stop) override {
    std::vector<Generation> all;
    for (const auto& request : requests) {
      if (should_stop && should_stop()) throw Error(ErrorKind::interrupted, "stopped");
      if (fail_at >= 0 && generated == fail_at) throw Error(ErrorKind::failed, "out of memory");
      ++generated;
      std::size_t bytes = request.prefill.size();
      for (const Message& message : request.messages) bytes += message.content.size();
      if (bytes >= context) {
        all.push_back({"", {}, FinishReason::too_long, static_cast<int>(bytes)});
        if (on_done) on_done(all.size() - 1, all.back());
        continue;
      }
      const bool begun = !request.prefill.empty() && continues_what_is_begun;
      all.push_back({begun ? " is how to do it." : answer_(request.messages, trainings_), {1, 2, 3}, FinishReason::stop, 5});
      if (on_done) on_done(all.size() - 1, all.back());
    }
    return all;
  }
  std::vector<std::vector<Score>> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<std::vector<Score>> all(requests.size());
    for (std::size_t i = 0; loglikelihood && i < requests.size(); ++i)
      all[i] = {{loglikelihood(requests[i]), {loglikelihood(requests[i])}}};
    return all;
  }
  void check_finetune(const FinetuneOptions&) override {
    if (refuses_training) throw Error(ErrorKind::usage, "has no such module", "lora_target_modules");
  }
  TrainSummary finetune(const std::vector<TrainExample>& examples, const FinetuneOptions& options, const OnStep& on_step,
                        const std::function<bool()>&) override {
    trained.push_back(examples);
    ++trainings_;
    if (!options.epochs_folder.empty()) save(join_path(options.epochs_folder, "1"), SaveFormat::adapter);
    if (on_step) on_step({1, 1, 1.0, 0.5, 1.0, 1e-4, 10});
    return {1, 0.5, 0.4, 10, 0.1};
  }
  void save(const std::string& dir, SaveFormat) override {
    make_directories(dir);
    write_file_atomic(join_path(dir, "trainings"), std::to_string(trainings_));
  }
  void load_trained(const std::string& dir) override { trainings_ = dir.empty() ? 0 : std::stoi(read_file(join_path(dir, "trainings"))); }
  [[nodiscard]] std::string description() const override { return "fake"; }
  [[nodiscard]] std::string dtype() const override { return "float32"; }

  int generated = 0;
  std::size_t context = std::string::npos;                   // bytes of a prompt that no longer fit
  bool continues_what_is_begun = true;                       // else it answers by its rule, whatever its turn begins with
  std::function<double(const ScoreRequest&)> loglikelihood;  // of the first continuation, as one token
  bool refuses_training = false;                             // whatever the options
  int fail_at = -1;                                          // the failing fake: this generation throws
  std::vector<std::vector<TrainExample>> trained;

 private:
  Answer answer_;
  int trainings_ = 0;
};

// An oracle whose replies come from a function of the request. It can be made to fail.
class FakeOracle : public Oracle {
 public:
  using Reply = std::function<OracleReply(const OracleRequest&)>;
  explicit FakeOracle(Reply reply) : reply_(std::move(reply)) {}

  OracleReply complete(const OracleRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (fail_at >= 0 && calls == fail_at) throw Error(ErrorKind::remote, "unauthorised");
    ++calls;
    requests.push_back(request);
    return reply_(request);
  }
  [[nodiscard]] OracleUsage usage() const override {
    OracleUsage used;
    used.calls = calls;
    return used;
  }

  int calls = 0;
  int fail_at = -1;
  std::vector<OracleRequest> requests;

 private:
  std::mutex mutex_;
  Reply reply_;
};

inline OracleReply answered(std::string text) { return {ReplyStatus::answered, std::move(text), 10, 5, false}; }

}  // namespace iteralign
