#include "engine/peft.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "engine/training_model.h"
#include "formats/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

class PeftFolder : public testing::Test {
 protected:
  PeftFolder() {
    write_tiny_model(model_folder_.path());
    model_ = open_tiny_model(model_folder_.path());
    attach_lora(*model_, all_layers(), 1);
    randomize_b(*model_);
  }
  [[nodiscard]] std::string file(const char* name) const { return join_path(adapter_.path(), name); }
  void write() { write_peft(adapter_.path(), *model_, all_layers(), "base/model"); }
  // Writes the adapter with other keys in its configuration.
  void write_with(const Json& changes) {
    write();
    Json config = read_json(file("adapter_config.json"));
    for (const auto& [key, value] : changes.items()) config[key] = value;
    write_file_atomic(file("adapter_config.json"), dump_json(config));
  }
  std::string error_of_reading() {
    const auto other = open_tiny_model(model_folder_.path());
    try {
      attach(*other, read_peft(adapter_.path(), *other));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
      for (const LinearModule* module : lora_modules(*other)) EXPECT_EQ(module->lora, nullptr);
      return error.what();
    }
    return "";
  }
  TemporaryFolder model_folder_, adapter_;
  std::unique_ptr<Model> model_;
};

TEST_F(PeftFolder, ComesBackBitForBit) {
  write();
  const auto other = open_tiny_model(model_folder_.path());
  const PeftAdapter adapter = read_peft(adapter_.path(), *other);
  attach(*other, adapter);
  const LoraConfig& config = adapter.config;
  EXPECT_EQ(config.r, 4);
  EXPECT_EQ(config.lora_alpha, 8);
  EXPECT_EQ(config.target_modules, all_layers().target_modules);
  const auto expected = lora_modules(*model_), actual = lora_modules(*other);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(at::equal(actual[i]->lora->a, expected[i]->lora->a));
    EXPECT_TRUE(at::equal(actual[i]->lora->b, expected[i]->lora->b));
    EXPECT_EQ(actual[i]->lora->scale, expected[i]->lora->scale);
  }
}

TEST_F(PeftFolder, HasThePeftNames) {
  write();
  const SafetensorsFile weights(file("adapter_model.safetensors"));
  EXPECT_EQ(weights.tensors().size(), 28u);
  EXPECT_EQ(weights.tensors().at("base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight").shape,
            (std::vector<std::int64_t>{32, 4}));
  const Json config = read_json(file("adapter_config.json"));
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["base_model_name_or_path"], "base/model");
  EXPECT_TRUE(config["lora_alpha"].is_number_integer());
}

TEST_F(PeftFolder, HoldsWholeWeightsAndATiedEmbeddingTwice) {
  LoraConfig config = all_layers();
  config.modules_to_save = {"embed_tokens", "input_layernorm"};
  std::vector<at::Tensor> expected;
  for (const NamedParameter& weight : whole_weights(*model_, config)) {
    *weight.value = weight.value->clone() + 1;
    expected.push_back(*weight.value);
  }
  ASSERT_EQ(expected.size(), 3u);  // the embedding and a norm in each of two layers
  model_->weights_changed();
  write_peft(adapter_.path(), *model_, config, "base/model");
  EXPECT_EQ(SafetensorsFile(file("adapter_model.safetensors")).tensors().size(), 28u + 4);

  const auto other = open_tiny_model(model_folder_.path());
  attach(*other, read_peft(adapter_.path(), *other));
  const auto actual = whole_weights(*other, config);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(*actual[i].value, expected[i]));
  EXPECT_TRUE(at::equal(other->lm_head().modules()[0].weight, expected[0]));

  Json json = read_json(file("adapter_config.json"));
  json["ensure_weight_tying"] = false;
  write_file_atomic(file("adapter_config.json"), dump_json(json));
  EXPECT_EQ(error_of_reading(), "");  // both are the same, so it makes no difference
}

// What PEFT computes with such adapters: test_folders.py compares the numbers.
class PeftOfEmbeddings : public PeftFolder {
 protected:
  // An adapter of these tensors by their names without prefix, with q_proj of both layers beside them.
  void write_tensors(std::map<std::string, at::Tensor> tensors, const Json& changes = Json::object()) {
    detach_lora(*model_);
    for (const int layer : {0, 1}) {
      const std::string name = "model.layers." + std::to_string(layer) + ".self_attn.q_proj.lora_";
      tensors[name + "A.weight"] = at::ones({4, 64});
      tensors[name + "B.weight"] = at::ones({64, 4});
    }
    std::vector<TensorSource> sources;
    for (const auto& [name, value] : tensors)
      sources.push_back({"base_model.model." + name, value.scalar_type() == at::kDouble ? DType::f64 : DType::f32, value.sizes().vec(),
                         [value] { return std::span(static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes()); }});
    write_safetensors(file("adapter_model.safetensors"), sources);
    Json config = {{"peft_type", "LORA"}, {"r", 4}, {"lora_alpha", 8}, {"target_modules", {"q_proj"}}};
    config.update(changes);
    write_file_atomic(file("adapter_config.json"), dump_json(config));
  }
  // The model with the adapter on it.
  std::unique_ptr<Model> read() {
    auto other = open_tiny_model(model_folder_.path());
    const PeftAdapter adapter = read_peft(adapter_.path(), *other);
    trainable_ = adapter.trainable;
    attach(*other, adapter);
    return other;
  }
  static at::Tensor head(Model& model) { return model.lm_head().modules()[0].weight; }
  static at::Tensor embedding(Model& model) { return *model.parameters().front().value; }

  const at::Tensor base_ = embedding(*model_).clone();
  const at::Tensor a_ = at::rand({4, kTinyVocabulary}), b_ = at::rand({64, 4}), other_ = at::rand({kTinyVocabulary, 64});
  bool trainable_ = true;
};

TEST_F(PeftOfEmbeddings, AnUpdateIsOfTheOneAndUntiesTheOther) {
  const at::Tensor sum = base_ + 2.0 * b_.mm(a_).t();
  write_tensors({{"model.embed_tokens.lora_embedding_A", a_}, {"model.embed_tokens.lora_embedding_B", b_}},
                {{"target_modules", {"q_proj", "embed_tokens"}}});
  const auto with_embedding = read();
  EXPECT_TRUE(at::allclose(embedding(*with_embedding), sum));
  EXPECT_TRUE(at::equal(head(*with_embedding), base_));
  EXPECT_FALSE(trainable_);
  write_tensors({{"lm_head.lora_A.weight", b_.t().contiguous().to(at::kDouble)}, {"lm_head.lora_B.weight", a_.t().contiguous()}},
                {{"target_modules", {"q_proj", "lm_head"}}});
  const auto with_head = read();
  EXPECT_TRUE(at::allclose(head(*with_head), sum));
  EXPECT_TRUE(at::equal(embedding(*with_head), base_));
}

TEST_F(PeftOfEmbeddings, ACopyIsOfTheOneAndWhatLiesInTheBaseOfBoth) {
  write_tensors({{"model.embed_tokens.weight", other_}}, {{"modules_to_save", {"embed_tokens"}}});
  const auto copied = read();
  EXPECT_TRUE(at::equal(embedding(*copied), other_));
  EXPECT_TRUE(at::equal(head(*copied), base_));
  EXPECT_FALSE(trainable_);
  write_tensors({{"model.embed_tokens.weight", other_}});
  const auto changed = read();
  EXPECT_TRUE(at::equal(embedding(*changed), other_));
  EXPECT_TRUE(at::equal(head(*changed), other_));
  write_tensors({{"model.embed_tokens.base_layer.weight", base_}, {"lm_head.weight", base_}});
  const auto same = read();
  EXPECT_TRUE(same->config().tie_word_embeddings);
  EXPECT_TRUE(trainable_);
  write_tensors({{"model.embed_tokens.weight", other_}, {"lm_head.weight", base_}});
  EXPECT_NE(error_of_reading().find("lm_head differs"), std::string::npos);
}

TEST_F(PeftOfEmbeddings, TheBaseComesBackTiedWhenTheAdapterGoes) {
  write_tensors({{"lm_head.weight", other_}}, {{"modules_to_save", {"lm_head"}}});
  const auto model = read();
  EXPECT_FALSE(model->config().tie_word_embeddings);
  model->load_weights(std::make_shared<const Checkpoint>(model_folder_.path()));
  EXPECT_TRUE(model->config().tie_word_embeddings);
  EXPECT_TRUE(at::equal(head(*model), base_));
}

TEST_F(PeftOfEmbeddings, TensorsOfNothingAreNamed) {
  write_tensors({{"model.layers.0.mlp.up_proj.bias", at::ones({96})}});
  EXPECT_NE(error_of_reading().find("`model.layers.0.mlp.up_proj.bias` does not"), std::string::npos);
  write_tensors({}, {{"target_modules", {"qkv_proj", "query"}}});
  const std::string message = error_of_reading();
  EXPECT_NE(message.find("target_modules (qkv_proj, query) names no module"), std::string::npos);
  EXPECT_NE(message.find("it has q_proj, k_proj"), std::string::npos);
  write_tensors({}, {{"modules_to_save", {"mlp"}}});
  EXPECT_NE(error_of_reading().find("modules_to_save"), std::string::npos);
}

TEST_F(PeftFolder, RefusesByNameWhatItDoesNotSupport) {
  const std::pair<const char*, Json> cases[] = {{"use_dora", true},
                                                {"use_bdlora", true},
                                                {"modules_to_save", {"q_proj"}},
                                                {"layer_replication", Json::parse("[[0,1]]")},
                                                {"alora_invocation_tokens", {1, 2}},
                                                {"peft_type", "LOHA"},
                                                {"init_lora_weights", "lora_ga"},
                                                {"init_lora_weights", "pissa_niter_4"}};
  for (const auto& [key, value] : cases) {
    write_with({{key, value}});
    const std::string message = error_of_reading();
    EXPECT_NE(message.find(std::string(key) == "peft_type" ? "LOHA" : key), std::string::npos) << key << ": " << message;
  }
  write_with({{"some_future_key", 1}, {"modules_to_save", Json::array()}, {"layers_to_transform", nullptr}});
  EXPECT_EQ(error_of_reading(), "");
}

TEST_F(PeftFolder, ReadsPatternsAndRegularExpressions) {
  write_with({{"target_modules", ".*_proj"}, {"use_rslora", true}, {"alpha_pattern", {{"q_proj", 4}}}});
  const auto other = open_tiny_model(model_folder_.path());
  attach(*other, read_peft(adapter_.path(), *other));
  EXPECT_EQ(lora_modules(*other)[0]->lora->scale, 2.0);  // q_proj: 4 / sqrt(4)
  EXPECT_EQ(lora_modules(*other)[1]->lora->scale, 4.0);  // 8 / sqrt(4)
  write_with({{"target_modules", "(unclosed"}});
  EXPECT_NE(error_of_reading().find("regular expression"), std::string::npos);
}

TEST_F(PeftFolder, NamesWhatDoesNotFit) {
  write_with({{"r", 8}});
  EXPECT_NE(error_of_reading().find("lora_A.weight` does not fit"), std::string::npos);
  write_with({{"target_modules", {"q_proj"}}});
  EXPECT_NE(error_of_reading().find("28 tensors, of which 4"), std::string::npos);
  detach_lora(*model_);
  LoraConfig queries = all_layers();
  queries.target_modules = {"q_proj"};
  attach_lora(*model_, queries, 1);
  write_with({{"target_modules", {"q_proj", "o_proj"}}});
  EXPECT_NE(error_of_reading().find("o_proj.lora_A.weight` is missing"), std::string::npos);
}

TEST_F(PeftFolder, DamagedAndMissingFiles) {
  write();
  std::filesystem::resize_file(file("adapter_model.safetensors"), 500);
  EXPECT_NE(error_of_reading().find("adapter_model.safetensors"), std::string::npos);
  std::filesystem::remove(file("adapter_model.safetensors"));
  EXPECT_NE(error_of_reading(), "");
  std::ofstream(file("adapter_model.bin")) << "x";
  EXPECT_NE(error_of_reading().find("pickle"), std::string::npos);
  std::ofstream(file("adapter_config.json")) << "{";
  EXPECT_NE(error_of_reading().find("adapter_config.json"), std::string::npos);
}

}  // namespace
}  // namespace iteralign
