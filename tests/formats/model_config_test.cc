#include "formats/model_config.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace iteralign {
namespace {

Json llama_config() {
  return Json::parse(R"({"model_type": "llama", "vocab_size": 100, "hidden_size": 64, "intermediate_size": 128,
                         "num_hidden_layers": 2, "num_attention_heads": 4})");
}

Json with(const std::string& key, const std::string& value) {
  Json config = llama_config();
  config[key] = Json::parse(value);
  return config;
}

ModelConfig parse(const Json& config) { return parse_model_config(config, "config.json"); }

TEST(ModelConfig, DefaultsOfLlama) {
  const ModelConfig config = parse(llama_config());
  EXPECT_EQ(config.num_key_value_heads, 4);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.ropes[0].theta, 10000.0);
  EXPECT_EQ(config.ropes[0].scaling, RopeScaling::none);
  EXPECT_FALSE(config.tie_word_embeddings || config.attention_bias || config.mlp_bias);
  EXPECT_EQ(config.layers[0].window, 0);
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.pad_token_id, -1);
}

TEST(ModelConfig, BothSpellingsOfRopeAndDtype) {
  Json v4 = llama_config(), v5 = llama_config();
  v4["rope_theta"] = 500000.0;
  v4["torch_dtype"] = "bfloat16";
  v4["rope_scaling"] = Json::parse(R"({"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                       "original_max_position_embeddings": 8192})");
  v5["dtype"] = "bfloat16";
  v5["rope_parameters"] = v4["rope_scaling"];
  v5["rope_parameters"]["rope_theta"] = 500000.0;
  for (const Json& json : {v4, v5}) {
    const ModelConfig config = parse(json);
    EXPECT_EQ(config.ropes[0].scaling, RopeScaling::llama3);
    EXPECT_EQ(config.ropes[0].theta, 500000.0);
    EXPECT_EQ(config.ropes[0].factor, 32.0);
    EXPECT_EQ(config.ropes[0].high_freq_factor, 4.0);
    EXPECT_EQ(config.ropes[0].original_max_position_embeddings, 8192);
    EXPECT_EQ(config.dtype, "bfloat16");
  }
  const ModelConfig linear = parse(with("rope_scaling", R"({"type": "linear", "factor": 2})"));
  EXPECT_EQ(linear.ropes[0].scaling, RopeScaling::linear);
  EXPECT_EQ(linear.ropes[0].factor, 2.0);
  EXPECT_EQ(parse(with("rope_scaling", "null")).ropes[0].scaling, RopeScaling::none);
  EXPECT_EQ(parse(with("rope_parameters", R"({"rope_type": "default", "rope_theta": 7})")).ropes[0].theta, 7);
}

TEST(ModelConfig, OptionalKeys) {
  EXPECT_EQ(parse(with("head_dim", "32")).head_dim, 32);
  EXPECT_EQ(parse(with("head_dim", "null")).head_dim, 16);
  EXPECT_EQ(parse(with("num_key_value_heads", "2")).num_key_value_heads, 2);
  EXPECT_TRUE(parse(with("attention_bias", "true")).attention_bias);
  EXPECT_TRUE(parse(with("tie_word_embeddings", "true")).tie_word_embeddings);
}

// What transformers 5.24 gives for {"model_type": ...} alone.
TEST(ModelConfig, WhatIsMissingIsAsTheConfigurationClassHasIt) {
  struct Expected {
    const char* type;
    std::int64_t vocab, hidden, intermediate, layers, heads, kv_heads, head_dim;
    double theta, eps;
    bool tied;
  };
  for (const Expected& e : {Expected{"llama", 32000, 4096, 11008, 32, 32, 32, 128, 1e4, 1e-6, false},
                            {"mistral", 32000, 4096, 14336, 32, 32, 8, 128, 1e4, 1e-6, false},
                            {"smollm3", 128256, 2048, 11008, 36, 16, 4, 128, 2e6, 1e-6, true},
                            {"qwen2", 151936, 4096, 22016, 32, 32, 32, 128, 1e4, 1e-6, false},
                            {"qwen3", 151936, 4096, 22016, 32, 32, 32, 128, 1e4, 1e-6, false},
                            {"gemma2", 256000, 2304, 9216, 26, 8, 4, 256, 1e4, 1e-6, true},
                            {"gemma3_text", 262208, 2304, 9216, 26, 8, 4, 256, 1e6, 1e-6, true},
                            {"phi3", 32064, 3072, 8192, 32, 32, 32, 96, 1e4, 1e-5, false},
                            {"olmo2", 50304, 4096, 11008, 32, 32, 32, 128, 1e4, 1e-5, false}}) {
    const Json json = {{"model_type", e.type}};
    const ModelConfig config = parse(json);
    EXPECT_EQ(config.vocab_size, e.vocab) << e.type;
    EXPECT_EQ(config.hidden_size, e.hidden) << e.type;
    EXPECT_EQ(config.intermediate_size, e.intermediate) << e.type;
    EXPECT_EQ(config.num_hidden_layers, e.layers) << e.type;
    EXPECT_EQ(config.num_attention_heads, e.heads) << e.type;
    EXPECT_EQ(config.num_key_value_heads, e.kv_heads) << e.type;
    EXPECT_EQ(config.head_dim, e.head_dim) << e.type;
    EXPECT_EQ(config.ropes[0].theta, e.theta) << e.type;
    EXPECT_EQ(config.rms_norm_eps, e.eps) << e.type;
    EXPECT_EQ(config.tie_word_embeddings, e.tied) << e.type;
    EXPECT_EQ(ties_embeddings(json), e.tied) << e.type;
  }
  // Null is as many as there are heads; missing is the class's own number, here of 16 heads of which it fits.
  Json config = with("num_attention_heads", "16");
  config["model_type"] = "smollm3";
  EXPECT_EQ(parse(config).num_key_value_heads, 4);
  config["num_key_value_heads"] = nullptr;
  EXPECT_EQ(parse(config).num_key_value_heads, 16);
}

// What transformers 5.24 makes of two spellings in one file.
TEST(ModelConfig, RopeScalingIsTakenInPlaceOfRopeParameters) {
  const auto rope = [](const char* keys, const char* type = "llama") {
    Json config = llama_config();
    config["model_type"] = type;
    config["max_position_embeddings"] = 256;
    config.update(Json::parse(keys));
    return parse(config).ropes[0];
  };
  const std::string both = R"("rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
                              "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64})";
  EXPECT_EQ(rope(("{" + both + "}").c_str()).scaling, RopeScaling::yarn);
  EXPECT_EQ(rope(("{" + both + "}").c_str()).theta, 1e4);  // not the 1e6 of rope_parameters
  EXPECT_EQ(rope(("{" + both + "}").c_str(), "smollm3").theta, 2e6);
  EXPECT_EQ(rope((R"({"rope_theta": 5e5, )" + both + "}").c_str()).theta, 5e5);
  EXPECT_EQ(
      rope(R"({"rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 1e6}, "rope_scaling": {"rope_type": "default"}})")
          .scaling,
      RopeScaling::none);
  for (const char* nothing : {"{}", "null"}) {
    const RopeConfig kept = rope(
        (R"({"rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 1e6}, "rope_scaling": )" + std::string(nothing) + "}")
            .c_str());
    EXPECT_EQ(kept.scaling, RopeScaling::linear);
    EXPECT_EQ(kept.theta, 1e6);
  }
  EXPECT_EQ(rope(R"({"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}, "rope_theta": 5e5})").theta, 1e6);
  EXPECT_EQ(rope(R"({"rope_parameters": {"rope_type": "default"}, "rope_theta": 5e5})").theta, 5e5);
  expect_error([&] { rope(R"({"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 1e6}}})"); },
               {"full_attention"});
}

TEST(ModelConfig, RopeScalingChangesTheGlobalLayersOfGemma3) {
  Json config = with("model_type", "\"gemma3_text\"");
  config["rope_parameters"] = Json::parse(R"({"full_attention": {"rope_type": "default", "rope_theta": 5e5},
                                              "sliding_attention": {"rope_type": "default", "rope_theta": 1e3}})");
  config["rope_scaling"] = Json::parse(R"({"rope_type": "linear", "factor": 8.0})");
  const ModelConfig parsed = parse(config);
  EXPECT_EQ(parsed.ropes[0].theta, 5e5);
  EXPECT_EQ(parsed.ropes[0].scaling, RopeScaling::linear);
  EXPECT_EQ(parsed.ropes[1].theta, 1e3);
  EXPECT_EQ(parsed.ropes[1].scaling, RopeScaling::none);
  config["rope_scaling"] = Json::parse(R"({"type": "linear", "factor": 8.0})");  // transformers would not scale
  expect_error([&] { parse(config); }, {"rope_type is missing"});
  config["rope_scaling"] = nullptr;
  config["rope_parameters"] = Json::parse(R"({"rope_type": "default", "rope_theta": 1e6})");
  expect_error([&] { parse(config); }, {"rope_parameters", "full_attention is missing"});
}

TEST(ModelConfig, SlidingWindowIsMistrals) {
  Json config = with("sliding_window", "128");
  config["num_key_value_heads"] = 2;
  EXPECT_EQ(parse(config).layers[0].window, 0);
  config["model_type"] = "mistral";
  EXPECT_EQ(parse(config).layers[0].window, 128);
  config["sliding_window"] = nullptr;
  EXPECT_EQ(parse(config).layers[0].window, 0);
  config.erase("sliding_window");
  EXPECT_EQ(parse(config).layers[0].window, 4096);
}

TEST(ModelConfig, Qwen) {
  Json config = with("model_type", "\"qwen2\"");
  config["num_key_value_heads"] = 2;
  config.erase("bos_token_id");
  EXPECT_EQ(parse(config).bos_token_id, -1);
  EXPECT_EQ(parse(config).head_dim, 16);
  config["model_type"] = "qwen3";
  EXPECT_EQ(parse(config).head_dim, 128);  // Qwen3Config's default
  config["max_window_layers"] = 1;
  config["sliding_window"] = 9;
  EXPECT_EQ(parse(config).layers[1].window, 0);
  config["use_sliding_window"] = true;
  EXPECT_EQ(parse(config).layers[0].window, 0);
  EXPECT_EQ(parse(config).layers[1].window, 9);
  config["layer_types"] = {"sliding_attention", "full_attention"};
  EXPECT_EQ(parse(config).layers[0].window, 9);
  EXPECT_EQ(parse(config).layers[1].window, 0);
}

TEST(ModelConfig, SmolLm3LeavesPositionsOutOfEveryFourthLayer) {
  Json config = with("model_type", "\"smollm3\"");
  config["num_hidden_layers"] = 4;
  const auto ropes = [&] {
    std::vector<int> all;
    for (const LayerConfig& layer : parse(config).layers) all.push_back(layer.rope);
    return all;
  };
  EXPECT_EQ(ropes(), (std::vector<int>{0, 0, 0, kNoRope}));
  config["no_rope_layers"] = {0, 1, 1, 1};
  EXPECT_EQ(ropes(), (std::vector<int>{kNoRope, 0, 0, 0}));
  config["no_rope_layers"] = {1};
  expect_error([&] { parse(config); }, {"config.json", "no_rope_layers has 1 entries for 4 layers"});
  EXPECT_EQ(parse(with("model_type", "\"smollm3\"")).ropes[0].theta, 2e6);
}

TEST(ModelConfig, Gemma) {
  Json config = with("model_type", "\"gemma2\"");
  config["num_hidden_layers"] = 3;
  const ModelConfig second = parse(config);
  EXPECT_EQ(second.head_dim, 256);
  EXPECT_EQ(second.activation, Activation::gelu_tanh);
  EXPECT_EQ(second.attention_scale, 1.0 / 16);
  EXPECT_EQ(second.attn_logit_softcapping, 50);
  EXPECT_EQ(second.final_logit_softcapping, 30);
  EXPECT_TRUE(second.tie_word_embeddings && second.scale_embeddings && second.norm_adds_one && second.norm_rounds_last);
  EXPECT_EQ(second.layers[0].window, 4096);
  EXPECT_EQ(second.layers[1].window, 0);
  config["final_logit_softcapping"] = nullptr;
  EXPECT_EQ(parse(config).final_logit_softcapping, 0);
  config["use_bidirectional_attention"] = true;
  expect_error([&] { parse(config); }, {"use_bidirectional_attention"});
}

TEST(ModelConfig, Gemma3TurnsItsWindowsOtherwise) {
  Json v4 = with("model_type", "\"gemma3_text\""), v5 = v4;
  v4["sliding_window"] = v5["sliding_window"] = 512;
  v4["sliding_window_pattern"] = 2;
  v4["rope_theta"] = 5e5;
  v4["rope_local_base_freq"] = 100;
  v4["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8}};
  v5["layer_types"] = {"sliding_attention", "full_attention"};
  v5["rope_parameters"] = {{"full_attention", {{"rope_type", "linear"}, {"factor", 8}, {"rope_theta", 5e5}}},
                           {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 100}}}};
  for (const Json& json : {v4, v5}) {
    const ModelConfig config = parse(json);
    ASSERT_EQ(config.ropes.size(), 2U);
    EXPECT_EQ(config.ropes[0].theta, 5e5);
    EXPECT_EQ(config.ropes[0].scaling, RopeScaling::linear);
    EXPECT_EQ(config.ropes[1].theta, 100);
    EXPECT_EQ(config.ropes[1].scaling, RopeScaling::none);
    EXPECT_EQ(config.layers[0].window, 512);
    EXPECT_EQ(config.layers[0].rope, 1);
    EXPECT_EQ(config.layers[1].window, 0);
    EXPECT_EQ(config.layers[1].rope, 0);
    EXPECT_EQ(config.final_logit_softcapping, 0);
  }
}

TEST(ModelConfig, Phi) {
  Json config = with("model_type", "\"phi3\"");
  config["partial_rotary_factor"] = 0.75;
  config["max_position_embeddings"] = 131072;
  config["rope_scaling"] = {
      {"type", "su"}, {"short_factor", Json::array({1, 1, 1, 1, 1, 2})}, {"long_factor", Json::array({1, 1, 1, 1, 1, 3})}};
  const RopeConfig rope = parse(config).ropes[0];
  EXPECT_EQ(rope.dim, 12);
  EXPECT_EQ(rope.scaling, RopeScaling::longrope);
  EXPECT_EQ(rope.original_max_position_embeddings, 4096);
  EXPECT_NEAR(rope.attention_factor, 1.190238, 1e-6);
  EXPECT_EQ(rope.long_factor.back(), 3);
  config["rope_scaling"]["long_factor"] = {1};
  expect_error([&] { parse(config); }, {"config.json: rope_scaling", "long_factor is not a list of 6 positive numbers"});
}

TEST(ModelConfig, BadValuesNameTheirKey) {
  const auto refused = [](const std::string& key, const std::string& value, const std::string& message) {
    expect_error([&] { parse(with(key, value)); }, {"config.json", message});
  };
  refused("model_type", "\"mamba\"", "model_type \"mamba\" is not supported yet");
  refused("model_type", "\"mamba\"", "supported: llama, mistral, smollm3, qwen2, qwen3, gemma2");
  refused("hidden_act", "\"gelu\"", "hidden_act");
  refused("vocab_size", "0", "vocab_size is 0");
  refused("vocab_size", "null", "vocab_size is null");
  refused("hidden_size", "-4", "hidden_size");
  refused("hidden_size", "\"64\"", "hidden_size");
  refused("hidden_size", "66", "num_attention_heads is 4, which does not divide hidden_size (66)");
  refused("num_key_value_heads", "3", "num_key_value_heads is 3, which does not divide");
  refused("num_hidden_layers", "1000000", "num_hidden_layers");
  refused("head_dim", "15", "odd");
  refused("rms_norm_eps", "0", "rms_norm_eps");
  refused("tie_word_embeddings", "1", "tie_word_embeddings");
  refused("rope_scaling", R"({"rope_type": "dynamic", "factor": 2})", "\"dynamic\"");
  refused("rope_scaling", R"({"rope_type": "linear"})", "rope_scaling: factor is missing");
  refused("rope_scaling", "3", "rope_scaling");
  refused("rope_parameters", R"({"rope_theta": 1, "partial_rotary_factor": 0.5})", "partial_rotary_factor");
  expect_error([] { parse(Json::array()); }, {"not a JSON object"});
}

TEST(ModelConfig, StopTokensOfTheGenerationConfigComeFirst) {
  const Json generation = {{"eos_token_id", Json::array({7, 8})}}, config = {{"eos_token_id", 9}};
  EXPECT_EQ(eos_token_ids(generation, config, "m"), (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(eos_token_ids(Json::object(), config, "m"), std::vector<std::int64_t>{9});
  EXPECT_TRUE(eos_token_ids(Json::object(), Json::object(), "m").empty());
  EXPECT_TRUE(eos_token_ids({{"eos_token_id", Json::array()}}, config, "m").empty());
  expect_error([&] { eos_token_ids({{"eos_token_id", "x"}}, config, "m"); }, {"m", "eos_token_id"});
}

}  // namespace
}  // namespace iteralign
