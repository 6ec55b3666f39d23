#include "formats/generation_config.h"

#include <gmock/gmock.h>

#include "expect_error.h"

namespace iteralign {
namespace {

TEST(GenerationConfig, IsGreedyUnlessItSamples) {
  const Sampling greedy =
      parse_generation_config(parse_json(R"({"temperature": 0.6, "repetition_penalty": 1.1, "max_new_tokens": 7})", ""), "g");
  EXPECT_EQ(greedy.temperature, 0);
  EXPECT_EQ(greedy.repetition_penalty, 1.1);
  EXPECT_EQ(greedy.max_new_tokens, 7);
  const Sampling sampled = parse_generation_config(
      parse_json(R"({"do_sample": true, "temperature": 0.6, "top_p": 0.9, "min_p": null, "stop_strings": "###", "eos_token_id": [1, 2]})",
                 ""),
      "g");
  EXPECT_EQ(sampled.temperature, 0.6);
  EXPECT_EQ(sampled.top_p, 0.9);
  EXPECT_EQ(sampled.top_k, 50);
  EXPECT_EQ(sampled.min_p, 0);
  EXPECT_THAT(sampled.stop, testing::ElementsAre("###"));
}

TEST(GenerationConfig, NamesTheKeyOfAValueThatIsNone) {
  const auto refused = [](const std::string& json, const std::string& message) {
    expect_error([&] { parse_generation_config(parse_json(json, ""), "model/generation_config.json"); },
                 {"model/generation_config.json", message});
  };
  refused(R"({"do_sample": true, "top_p": 1.5})", "top_p 1.5 is out of range: 0 to 1");
  refused(R"({"do_sample": true, "min_p": -0.1})", "min_p -0.1 is out of range");
  refused(R"({"do_sample": true, "temperature": -1})", "temperature -1 is out of range");
  refused(R"({"do_sample": true, "top_k": -1})", "top_k -1 is out of range: at least 0");
  refused(R"({"repetition_penalty": 0})", "repetition_penalty 0 is out of range: above 0");
  refused(R"({"do_sample": "yes"})", "do_sample is \"yes\"");
  refused("[1]", "not a JSON object");
  for (const char* ends :
       {R"({"do_sample": true, "top_p": 0})", R"({"do_sample": true, "min_p": 1})", R"({"do_sample": true, "temperature": 1e-40})"})
    parse_generation_config(parse_json(ends, ""), "g");
}

TEST(GenerationConfig, NamesTheFile) {
  expect_error([] { parse_generation_config(parse_json(R"({"do_sample": true, "top_p": "high"})", ""), "model/generation_config.json"); },
               {"model/generation_config.json"});
}

}  // namespace
}  // namespace iteralign
