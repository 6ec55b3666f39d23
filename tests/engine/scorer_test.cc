#include "engine/scorer.h"

#include <gtest/gtest.h>

#include "core/random.h"
#include "engine/training_model.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

ScoreSequence sequence(std::vector<TokenId> ids, std::size_t scored) { return {std::move(ids), scored}; }

TEST(TokenTree, SharesWhatSequencesBeginWith) {
  const std::vector<ScoreSequence> all = {sequence({1, 2, 3, 4, 9}, 1), sequence({1, 2, 3, 4, 5, 6}, 2),
                                          sequence({1, 2, 7, 8, 8, 8, 8}, 1)};
  EXPECT_EQ(shared_prefix(all, std::vector<std::size_t>{0, 1, 2}), 2u);
  EXPECT_EQ(shared_prefix(all, std::vector<std::size_t>{0, 1}), 3u);  // the row that predicts the first scored token is behind it
  const auto trees = build_trees(all, {0, 1, 2}, 2, 100);
  ASSERT_EQ(trees.size(), 2u);  // the third has too little in common
  EXPECT_EQ(trees[0].tokens, (std::vector<TokenId>{3, 4, 5}));
  EXPECT_TRUE(trees[0].is_chain());
  EXPECT_EQ(trees[1].tokens, (std::vector<TokenId>{7, 8, 8, 8}));
  ASSERT_EQ(trees[0].targets.size(), 3u);
  const auto branching = build_trees({sequence({1, 2, 3, 4, 5, 6}, 1), sequence({1, 2, 3, 4, 7, 8}, 1)}, {0, 1}, 0, 100);
  ASSERT_EQ(branching.size(), 1u);
  EXPECT_EQ(branching[0].tokens, (std::vector<TokenId>{1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(branching[0].parents, (std::vector<std::int64_t>{-1, 0, 1, 2, 3, 3}));
  EXPECT_EQ(branching[0].depths, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 4}));
  EXPECT_FALSE(branching[0].is_chain());
  EXPECT_EQ(build_trees({sequence({1, 2, 3, 4, 5, 6}, 1), sequence({1, 2, 3, 4, 7, 8}, 1)}, {0, 1}, 0, 5).size(), 2u);  // too many rows
}

TEST(TokenTree, EqualSequencesAndContextsAreOnePath) {
  const auto trees = build_trees({sequence({1, 2, 3}, 1), sequence({1, 2, 3}, 1), sequence({1, 2, 4}, 1)}, {0, 1, 2}, 0, 100);
  ASSERT_EQ(trees.size(), 1u);
  EXPECT_EQ(trees[0].tokens, (std::vector<TokenId>{1, 2}));
  EXPECT_EQ(trees[0].targets.size(), 3u);
}

// Questions behind one primer, each with several answers; some answers begin alike.
std::vector<ScoreSequence> questions(std::size_t primer_length) {
  Random random(3);
  const auto some = [&](std::size_t length) {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < length; ++i) ids.push_back(static_cast<TokenId>(random.below(kTinyVocabulary)));
    return ids;
  };
  const std::vector<TokenId> primer = some(primer_length);
  std::vector<ScoreSequence> all;
  for (int question = 0; question < 6; ++question) {
    std::vector<TokenId> context = primer;
    for (const TokenId id : some(3 + random.below(20))) context.push_back(id);
    const std::vector<TokenId> beginning = some(2);
    for (int answer = 0; answer < 5; ++answer) {
      std::vector<TokenId> ids = context;
      if (answer < 3) ids.insert(ids.end(), beginning.begin(), beginning.end());
      for (const TokenId id : some(1 + random.below(6))) ids.push_back(id);
      const std::size_t scored = ids.size() - context.size();
      all.push_back({std::move(ids), scored});
    }
  }
  return all;
}

TEST(Scorer, TogetherIsAsAlone) {
  for (const Backend& backend : {fused(), plain()}) {
    for (const Json& change : {Json::object(), Json{{"model_type", "mistral"}, {"sliding_window", 11}}}) {
      TemporaryFolder folder;
      Json config = tiny_config();
      config.update(change);
      write_tiny_model(folder.path(), config);
      const auto model = open_tiny_model(folder.path(), backend);
      model->prepare_inference();
      for (const std::size_t primer : {0, 4, 40, 200}) {
        const std::vector<ScoreSequence> all = questions(primer);
        const std::vector<Score> together = score_sequences(*model, all);
        for (std::size_t i = 0; i < all.size(); ++i) {
          const Score alone = score_sequences(*model, {all[i]})[0];
          ASSERT_EQ(together[i].token_loglikelihoods.size(), all[i].scored);
          for (std::size_t t = 0; t < all[i].scored; ++t)
            EXPECT_NEAR(together[i].token_loglikelihoods[t], alone.token_loglikelihoods[t], 1e-4) << primer << ", " << i;
          EXPECT_NEAR(together[i].loglikelihood, alone.loglikelihood, 1e-4);
          EXPECT_EQ(together[i].greedy, alone.greedy);
        }
      }
    }
  }
}

TEST(Scorer, StopsBetweenPassesAndTellsOfEachSequenceOnce) {
  TemporaryFolder folder;
  write_tiny_model(folder.path());
  const auto model = open_tiny_model(folder.path());
  model->prepare_inference();
  std::vector<ScoreSequence> all;
  Random random(9);
  for (int i = 0; i < 20; ++i) {  // 6000 rows, at most 2048 of them at once
    std::vector<TokenId> ids;
    for (int t = 0; t < 300; ++t) ids.push_back(static_cast<TokenId>(random.below(kTinyVocabulary)));
    all.push_back({std::move(ids), 5});
  }
  std::vector<int> told(all.size());
  std::size_t passes = 0, together = 0;
  const std::vector<Score> whole = score_sequences(
      *model, all, [&](std::size_t i) { ++told[i]; }, [&] { return ++passes, false; });
  EXPECT_EQ(told, std::vector<int>(all.size(), 1));
  EXPECT_EQ(passes, 4u);
  try {
    score_sequences(
        *model, all, [&](std::size_t) { ++together; }, [&] { return together > 0; });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  }
  EXPECT_GT(together, 0u);
  EXPECT_LT(together, all.size());
  const std::vector<Score> again = score_sequences(*model, all);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(again[i].token_loglikelihoods, whole[i].token_loglikelihoods) << i;
}

// A model that reads 32 tokens.
std::unique_ptr<Model> short_sighted_model(const TemporaryFolder& folder) {
  Json config = tiny_config();
  config["max_position_embeddings"] = 32;
  write_tiny_model(folder.path(), config);
  auto model = open_tiny_model(folder.path());
  model->prepare_inference();
  return model;
}

TEST(Scorer, TooLongLosesItsBeginning) {
  TemporaryFolder folder;
  const auto model = short_sighted_model(folder);
  const ScoreSequence whole = questions(40)[0];
  ScoreSequence end = whole;
  end.ids.erase(end.ids.begin(), end.ids.end() - 33);
  EXPECT_NEAR(score_sequences(*model, {whole})[0].loglikelihood, score_sequences(*model, {end})[0].loglikelihood, 1e-4);
  EXPECT_THROW(score_sequences(*model, {sequence({1, 2, 3}, 3)}), Error);  // nothing stands before it
}

TEST(Scorer, ContinuationMayBeginBeforeTheContextsEnd) {
  const ScoreSequence joined = from_first_difference({1, 2, 3}, {1, 2, 9});
  EXPECT_EQ(joined.ids, (std::vector<TokenId>{1, 2, 9}));
  EXPECT_EQ(joined.scored, 1u);
  EXPECT_EQ(from_first_difference({1, 2, 3}, {1, 2, 3, 4, 5}).scored, 2u);
}

TEST(Scorer, ContinuationLongerThanTheContextIsReadInWindows) {
  TemporaryFolder folder;
  const auto model = short_sighted_model(folder);
  std::vector<TokenId> ids = questions(50)[0].ids;
  ids.resize(50);
  const auto part = [&](std::size_t first, std::size_t begin, std::size_t end) {
    const auto at = [&](std::size_t i) { return ids.begin() + static_cast<std::ptrdiff_t>(i); };
    return score_sequences(*model, {sequence({at(first), at(end)}, end - begin)})[0];
  };
  const Score whole = score_sequences(*model, {sequence(ids, 45)})[0];
  const double by_hand = part(0, 5, 21).loglikelihood + part(4, 21, 37).loglikelihood + part(17, 37, 50).loglikelihood;
  EXPECT_NEAR(whole.loglikelihood, by_hand, 1e-4);
  ASSERT_EQ(whole.token_loglikelihoods.size(), 45u);
  EXPECT_NEAR(whole.token_loglikelihoods[44], part(17, 49, 50).loglikelihood, 1e-4);
}

}  // namespace
}  // namespace iteralign
