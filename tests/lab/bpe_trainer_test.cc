#include "lab/bpe_trainer.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "text/tokenizer.h"

namespace iteralign {
namespace {

Json trained(int vocab_size) {
  return train_bpe({"low low low lower lowest", "new newer\n- it's  two spaces, 42!"}, vocab_size, {"<|endoftext|>", "<|im_end|>"});
}

TEST(BpeTrainer, MergesTheMostFrequentPairsFirst) {
  const Json merges = trained(2 + 256 + 3)["model"]["merges"];
  // "lo" and "ow" occur five times each; "lo" comes first in the order of the tokens.
  EXPECT_EQ(merges[0], (Json{"l", "o"}));
  EXPECT_EQ(merges[1], (Json{"lo", "w"}));
  EXPECT_EQ(merges.size(), 3u);
}

TEST(BpeTrainer, StopsWhenEveryWordIsOneToken) {
  const Json tokenizer = trained(5000);
  EXPECT_LT(tokenizer["model"]["vocab"].size(), 400u);
  EXPECT_TRUE(tokenizer["model"]["vocab"].contains("\xC4\xA0lowest"));  // "Ġlowest"
}

TEST(BpeTrainer, MakesATokenizerThatGivesTextBack) {
  const auto tokenizer = Tokenizer::from_json(trained(270), Json::object(), "test");
  for (const std::string text : {"lower and newer", "it's\n\n- two  spaces ", "caf\xC3\xA9 \xF0\x9F\x99\x82"}) {
    const auto ids = tokenizer.encode_plain(text);
    EXPECT_EQ(tokenizer.decode(ids, false), text);
  }
  EXPECT_EQ(tokenizer.encode("low<|im_end|>", false), (std::vector<TokenId>{tokenizer.id_of("low").value(), 1}));
  EXPECT_EQ(tokenizer.size(), 270);
}

}  // namespace
}  // namespace iteralign
