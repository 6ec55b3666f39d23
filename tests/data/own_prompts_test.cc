// The prompts in data/: many, varied, and our own.
#include <gtest/gtest.h>

#include <set>

#include "data/near_duplicates.h"
#include "data/prompt_reader.h"
#include "shared_data.h"

namespace iteralign {
namespace {

std::vector<Prompt> own(const std::string& name) { return read_prompts(std::string(ITERALIGN_SOURCE_DIR) + "/data/" + name); }

TEST(OwnPrompts, AreManyInManyCategories) {
  for (const std::string name : {"benign.jsonl", "lookalikes.jsonl"}) {
    const auto prompts = own(name);
    EXPECT_GE(prompts.size(), 400u) << name;
    std::set<std::string> categories;
    for (const auto& prompt : prompts) categories.insert(prompt.category);
    EXPECT_GE(categories.size(), 20u) << name;
    EXPECT_FALSE(categories.contains("")) << name;
    EXPECT_EQ(drop_duplicates(prompts).kept.size(), prompts.size()) << name;
  }
  EXPECT_EQ(drop_overlap(own("benign.jsonl"), own("lookalikes.jsonl")).kept.size(), own("benign.jsonl").size());
}

TEST(OwnPrompts, DoNotOverlapWithPublishedSets) {
  for (const char* set : {"xstest", "do_not_answer", "harmbench", "advbench", "dangerousqa", "self_instruct/seed_tasks.jsonl",
                          "fastchat_bench/mt_bench/question.jsonl", "fastchat_bench/vicuna_bench/question.jsonl"}) {
    SKIP_WITHOUT(shared_data(set));
    const auto published = read_prompts(shared_data(set));
    for (const std::string name : {"benign.jsonl", "lookalikes.jsonl"}) {
      const auto prompts = own(name);
      EXPECT_EQ(drop_overlap(prompts, published).kept.size(), prompts.size()) << name << " and " << set;
    }
  }
}

}  // namespace
}  // namespace iteralign
