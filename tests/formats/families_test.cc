#include "formats/families/families.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "formats/model_tensors.h"

namespace iteralign {
namespace {

ModelConfig small_config(std::string_view model_type) {
  const Json json = {{"model_type", model_type}, {"hidden_size", 64},        {"intermediate_size", 96},  {"num_hidden_layers", 2},
                     {"vocab_size", 100},        {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"head_dim", 8}};
  return parse_model_config(json, "config.json");
}

std::vector<std::string> names_of_layer(std::string_view model_type) {
  std::vector<std::string> names;
  for (const ModelTensor& tensor : model_tensors(small_config(model_type)))
    if (tensor.name.starts_with(layer_prefix(1))) names.push_back(tensor.name.substr(layer_prefix(1).size()));
  return names;
}

class Families : public testing::TestWithParam<const Family*> {};

TEST_P(Families, HaveAllProductsOfALayer) {
  const ModelConfig config = small_config(GetParam()->model_type);
  std::map<Role, std::int64_t> rows;
  std::set<Role> norms;
  for (const BlockModule& module : config.family->modules(config)) {
    if (is_norm(module.role))
      EXPECT_TRUE(norms.insert(module.role).second) << module.name;
    else
      rows[module.role] += module.shape[0];
  }
  EXPECT_EQ(rows, (std::map<Role, std::int64_t>{{Role::qkv, 64}, {Role::o, 64}, {Role::gate_up, 192}, {Role::down, 64}}));
}

TEST_P(Families, NameEveryTensorOnce) {
  std::set<std::string> names, gguf_names;
  for (const ModelTensor& tensor : model_tensors(small_config(GetParam()->model_type))) {
    EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name;
    EXPECT_TRUE(gguf_names.insert(tensor.gguf_name).second) << tensor.gguf_name;
  }
}

TEST_P(Families, AreFoundByTheirNames) {
  EXPECT_EQ(find_family(GetParam()->model_type), GetParam());
  ASSERT_NE(find_gguf_family(GetParam()->gguf.architecture), nullptr);
  EXPECT_EQ(find_gguf_family(GetParam()->gguf.architecture)->gguf.architecture, GetParam()->gguf.architecture);
}

INSTANTIATE_TEST_SUITE_P(All, Families, testing::ValuesIn(all_families()),
                         [](const auto& info) { return std::string(info.param->model_type); });

// As transformers saves them.
TEST(FamilyNames, AreThoseOfTransformers) {
  EXPECT_EQ(names_of_layer("qwen2"),
            (std::vector<std::string>{"input_layernorm.weight", "post_attention_layernorm.weight", "self_attn.q_proj.weight",
                                      "self_attn.q_proj.bias", "self_attn.k_proj.weight", "self_attn.k_proj.bias",
                                      "self_attn.v_proj.weight", "self_attn.v_proj.bias", "self_attn.o_proj.weight", "mlp.gate_proj.weight",
                                      "mlp.up_proj.weight", "mlp.down_proj.weight"}));
  EXPECT_EQ(names_of_layer("phi3"),
            (std::vector<std::string>{"input_layernorm.weight", "post_attention_layernorm.weight", "self_attn.qkv_proj.weight",
                                      "self_attn.o_proj.weight", "mlp.gate_up_proj.weight", "mlp.down_proj.weight"}));
  EXPECT_EQ(
      names_of_layer("olmo2"),
      (std::vector<std::string>{"post_attention_layernorm.weight", "post_feedforward_layernorm.weight", "self_attn.q_proj.weight",
                                "self_attn.k_proj.weight", "self_attn.v_proj.weight", "self_attn.q_norm.weight", "self_attn.k_norm.weight",
                                "self_attn.o_proj.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"}));
}

}  // namespace
}  // namespace iteralign
