#include "engine/lora.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/training_model.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

TEST(LoraConfig, TargetsAreLastPartsOfNames) {
  LoraConfig config;
  config.target_modules = {"q_proj", "mlp.up_proj"};
  EXPECT_TRUE(lora_targets(config, "model.layers.0.self_attn.q_proj"));
  EXPECT_TRUE(lora_targets(config, "model.layers.0.mlp.up_proj"));
  EXPECT_FALSE(lora_targets(config, "model.layers.0.self_attn.xq_proj"));
  config.target_pattern = R"(.*\.1\..*_proj)";
  EXPECT_TRUE(lora_targets(config, "model.layers.1.mlp.down_proj"));
  EXPECT_FALSE(lora_targets(config, "model.layers.11x.mlp.down_proj"));
  config.target_pattern = "all-linear";
  EXPECT_TRUE(lora_targets(config, "model.layers.7.mlp.down_proj"));
}

// Each as peft's check_target_module_exists() decides it.
TEST(LoraConfig, ExclusionsAndLayersAreAsInPeft) {
  const auto targeted = [](const LoraConfig& config) {
    std::vector<std::string> names;
    for (const char* name : {"model.embed_tokens", "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj",
                             "model.layers.1.self_attn.q_proj", "model.layers.1.mlp.up_proj", "lm_head"})
      if (lora_targets(config, name)) names.emplace_back(name);
    return names;
  };
  const std::string q0 = "model.layers.0.self_attn.q_proj", q1 = "model.layers.1.self_attn.q_proj", up0 = "model.layers.0.mlp.up_proj",
                    up1 = "model.layers.1.mlp.up_proj";
  using Names = std::vector<std::string>;
  LoraConfig config;
  config.target_pattern = "All-Linear";
  EXPECT_EQ(targeted(config), (Names{q0, up0, q1, up1}));  // not lm_head
  config.modules_to_save = {"mlp"};
  EXPECT_EQ(targeted(config), (Names{q0, q1}));
  config = {};
  config.target_modules = {"q_proj", up0};
  config.layers_to_transform = {{1}};
  EXPECT_EQ(targeted(config), (Names{up0, q1}));  // a whole name is no matter of layers
  config.layers_pattern = {"h", "layers"};
  EXPECT_EQ(targeted(config), (Names{up0, q1}));
  config.layers_pattern = {"h"};
  EXPECT_EQ(targeted(config), Names{up0});
  config.layers_to_transform = std::vector<std::int64_t>{};
  EXPECT_EQ(targeted(config), (Names{q0, up0, q1}));
  config.exclude_modules = {"layers.0.self_attn.q_proj"};
  EXPECT_EQ(targeted(config), (Names{up0, q1}));
  config.exclude_modules = {};
  config.exclude_pattern = R"(.*\.1\..*)";
  EXPECT_EQ(targeted(config), (Names{q0, up0}));
  config = {};
  config.target_modules = {"embed_tokens", "lm_head"};
  EXPECT_EQ(targeted(config), (Names{"model.embed_tokens", "lm_head"}));
}

TEST(LoraConfig, TheFirstPatternThatMatchesCounts) {
  const std::string q0 = "model.layers.0.self_attn.q_proj";
  LoraConfig config;
  config.r = 4;
  config.alpha_pattern = {{"q_proj", 32}, {"layers.0.self_attn.q_proj", 16}};
  EXPECT_EQ(lora_scale(config, q0), 8.0);
  std::swap(config.alpha_pattern[0], config.alpha_pattern[1]);
  EXPECT_EQ(lora_scale(config, q0), 4.0);
  config.rank_pattern = {{"q_pro", 1}, {"proj", 2}, {R"((?P<x>layers)\.0\..*)", 3}};  // the first two are no whole parts
  EXPECT_EQ(lora_rank(config, q0), 3);
}

TEST(LoraConfig, PatternsOverrideRankAndAlpha) {
  LoraConfig config;
  config.r = 8;
  config.lora_alpha = 16;
  config.rank_pattern = {{"q_proj", 4}};
  config.alpha_pattern = {{"layers.1.self_attn.q_proj", 2.0}};
  EXPECT_EQ(lora_rank(config, "model.layers.0.self_attn.q_proj"), 4);
  EXPECT_EQ(lora_rank(config, "model.layers.0.self_attn.k_proj"), 8);
  EXPECT_EQ(lora_scale(config, "model.layers.0.self_attn.q_proj"), 4.0);
  EXPECT_EQ(lora_scale(config, "model.layers.1.self_attn.q_proj"), 0.5);
  config.use_rslora = true;
  EXPECT_EQ(lora_scale(config, "model.layers.0.self_attn.q_proj"), 8.0);
}

class LoraOnModel : public testing::Test {
 protected:
  LoraOnModel() {
    write_tiny_model(folder_.path());
    model_ = open_tiny_model(folder_.path());
  }
  LinearModule& module(const std::string& name) {
    for (LinearModule* one : lora_modules(*model_)) {
      if (one->name == name) return *one;
    }
    throw std::out_of_range(name);
  }
  TemporaryFolder folder_;
  std::unique_ptr<Model> model_;
};

TEST_F(LoraOnModel, StartsAsPeftDoes) {
  attach_lora(*model_, all_layers(16), 9);
  const Lora& lora = *module("model.layers.0.mlp.down_proj").lora;
  const double bound = 1 / std::sqrt(96.0);
  EXPECT_EQ(lora.a.sizes(), (std::vector<std::int64_t>{16, 96}));
  EXPECT_LE(lora.a.abs().max().item<double>(), bound);
  EXPECT_GT(lora.a.abs().max().item<double>(), 0.98 * bound);
  EXPECT_NEAR(lora.a.mean().item<double>(), 0.0, 0.1 * bound);
  EXPECT_NEAR(lora.a.std().item<double>(), bound / std::sqrt(3.0), 0.03 * bound);
  EXPECT_EQ(lora.b.abs().max().item<double>(), 0.0);
  EXPECT_EQ(lora.scale, 2.0);
}

TEST_F(LoraOnModel, TheSeedDecidesTheStart) {
  const std::string name = "model.layers.1.self_attn.q_proj";
  attach_lora(*model_, all_layers(), 9);
  const at::Tensor first = module(name).lora->a;
  attach_lora(*model_, all_layers(), 9);
  EXPECT_TRUE(at::equal(first, module(name).lora->a));
  EXPECT_FALSE(at::equal(first, module("model.layers.0.self_attn.q_proj").lora->a));
  attach_lora(*model_, all_layers(), 10);
  EXPECT_FALSE(at::equal(first, module(name).lora->a));
}

TEST_F(LoraOnModel, MergesIntoTheWeight) {
  attach_lora(*model_, all_layers(), 9);
  randomize_b(*model_);
  const LinearModule& one = module("model.layers.1.self_attn.q_proj");
  EXPECT_LT(relative_difference(merged_weight(one), one.weight + one.lora->b.mm(one.lora->a) * 2.0), 1e-6);
}

TEST_F(LoraOnModel, AnotherRankOrTargetIsNotTheSame) {
  EXPECT_FALSE(same_lora(*model_, all_layers()));
  attach_lora(*model_, all_layers(4), 9);
  EXPECT_TRUE(same_lora(*model_, all_layers(4)));
  EXPECT_FALSE(same_lora(*model_, all_layers(8)));
  LoraConfig fewer = all_layers(4);
  fewer.target_modules.pop_back();
  EXPECT_FALSE(same_lora(*model_, fewer));
  detach_lora(*model_);
  EXPECT_FALSE(same_lora(*model_, all_layers(4)));
}

TEST_F(LoraOnModel, ATargetThatNoModuleHasIsAnError) {
  LoraConfig config = all_layers();
  config.target_modules.push_back("query_proj");
  try {
    attach_lora(*model_, config, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("query_proj"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj"), std::string::npos);
  }
}

TEST_F(LoraOnModel, WholeWeightsAreOfEmbeddingsAndNorms) {
  LoraConfig config;
  const auto error = [&](const char* name) -> std::string {
    config.modules_to_save = {name};
    try {
      whole_weights(*model_, config);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error("q_proj").find("lora_target_modules"), std::string::npos);
  EXPECT_NE(error("lm_head").find("name embed_tokens"), std::string::npos);  // tied
  EXPECT_NE(error("wte").find("`wte`"), std::string::npos);
  EXPECT_EQ(error("embed_tokens"), "");
  config.modules_to_save = {"embed_tokens", "model.embed_tokens"};
  EXPECT_EQ(whole_weights(*model_, config).size(), 1u);
}

}  // namespace
}  // namespace iteralign
