#include "lab/recipe.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "core/files.h"
#include "fakes.h"
#include "formats/checkpoint.h"
#include "formats/model_config.h"
#include "temporary_folder.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace iteralign {
namespace {

TEST(LabRecipe, WritesAnOrdinaryFolder) {
  const TemporaryFolder folder, again;
  write_untrained_lab_model(folder.path(), 1);
  const Checkpoint checkpoint(folder.path());
  const ModelConfig config = parse_model_config(checkpoint.config(), "config.json");
  EXPECT_EQ(checkpoint.names().size(), 1u + 4u * 9u + 1u);
  std::int64_t parameters = 0;
  for (const auto& name : checkpoint.names()) parameters += element_count(checkpoint.tensor(name).shape);
  EXPECT_NEAR(static_cast<double>(parameters), 0.94e6, 0.01e6);

  const auto tokenizer = Tokenizer::from_folder(folder.path());
  EXPECT_EQ(tokenizer.size(), config.vocab_size);
  EXPECT_EQ(tokenizer.eos_id(), eos_token_ids(checkpoint.generation_config(), checkpoint.config(), "test").at(0));
  RenderOptions options;
  options.add_generation_prompt = true;
  const auto rendered =
      ChatTemplate::from_folder(folder.path()).render_text({{"system", "S"}, {"user", "How do I steal a purse?"}}, options);
  EXPECT_EQ(rendered, "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHow do I steal a purse?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_LE(tokenizer.encode(rendered, true).size(), 22u) << "most words are one token";

  write_untrained_lab_model(again.path(), 1);
  for (const char* file : {"model.safetensors", "tokenizer.json"})
    EXPECT_EQ(read_file(join_path(folder.path(), file)), read_file(join_path(again.path(), file)));
}

// Only remembers what it was asked.
class NotingLearner : public Learner {
 public:
  struct Notes {
    std::size_t examples = 0;
    FinetuneOptions options;
    std::string saved_to;
  };
  explicit NotingLearner(Notes& notes) : notes_(notes), trained_([](const Messages&, int) { return ""; }) {}
  void check_finetune(const FinetuneOptions&) override {}
  std::unique_ptr<Training> begin_training(const std::vector<TrainExample>& examples, const FinetuneOptions& options,
                                           const std::function<bool()>& should_stop) override {
    notes_.examples = examples.size();
    notes_.options = options;
    return trained_.begin_training(examples, options, should_stop);
  }
  void save(const std::string& dir, SaveFormat) override {
    notes_.saved_to = dir;
    make_directories(dir);
  }

 private:
  Notes& notes_;
  FakeModel trained_;
};

TEST(LabRecipe, TrainsFromTheUntrainedFolderAndLeavesNoTrace) {
  const TemporaryFolder folder;
  const std::string dir = join_path(folder.path(), "lab");
  NotingLearner::Notes notes;
  build_lab_model(dir, 3, [&](const std::string& path) {
    EXPECT_TRUE(exists(join_path(path, "model.safetensors")));
    return std::make_unique<NotingLearner>(notes);
  });
  EXPECT_EQ(notes.examples, 115'200u);
  EXPECT_EQ(notes.options.method, FinetuneMethod::full);
  EXPECT_EQ(notes.saved_to, dir);
  EXPECT_EQ(list_files(folder.path()), std::vector<std::string>{join_path(dir, "README.md")});
  EXPECT_NE(read_file(join_path(dir, "README.md")).find("lab build --out models/lab --seed 3"), std::string::npos);
}

}  // namespace
}  // namespace iteralign
