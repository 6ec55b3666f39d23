#include "formats/checkpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "core/files.h"
#include "expect_error.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

namespace fs = std::filesystem;

const std::string kBytes(8, 'x');

TensorSource tensor(const std::string& name) {
  return {name, DType::bf16, {2, 2}, [] { return std::as_bytes(std::span(kBytes)); }};
}

class CheckpointTest : public testing::Test {
 protected:
  [[nodiscard]] std::string at(const std::string& name) const { return join_path(folder_.path(), name); }
  void put(const std::string& name, const std::string& content) const {
    make_directories(fs::path(at(name)).parent_path().string());
    write_file_atomic(at(name), content);
  }

  TemporaryFolder folder_;
};

TEST_F(CheckpointTest, OpensASingleFile) {
  put("m/config.json", R"({"z": 1, "a": 2})");
  write_weights(at("m"), {tensor("w"), tensor("v")});
  const Checkpoint checkpoint(at("m"));
  EXPECT_EQ(checkpoint.names(), (std::vector<std::string>{"v", "w"}));
  EXPECT_EQ(checkpoint.config().begin().key(), "z");  // the order of the file
  EXPECT_TRUE(checkpoint.generation_config().empty());
  EXPECT_EQ(checkpoint.tensor("w", {2, 2}).bytes.size(), 8u);
  expect_error([&] { (void)checkpoint.tensor("u"); }, {at("m"), "the tensor u is missing"});
  expect_error([&] { (void)checkpoint.tensor("w", {4}); }, {"the tensor w", "[2, 2]", "[4]"});
}

TEST_F(CheckpointTest, ShardsAreWrittenAndOpened) {
  put("m/config.json", "{}");
  write_weights(at("m"), {tensor("a"), tensor("b"), tensor("c")}, 16);
  EXPECT_TRUE(exists(at("m/model-00001-of-00002.safetensors")));
  EXPECT_FALSE(exists(at("m/model.safetensors")));
  const Json index = read_json(at("m/model.safetensors.index.json"));
  EXPECT_EQ(index["metadata"]["total_size"], 24);
  EXPECT_EQ(index["weight_map"]["c"], "model-00002-of-00002.safetensors");
  const Checkpoint checkpoint(at("m"));
  EXPECT_EQ(checkpoint.names().size(), 3u);
  EXPECT_EQ(checkpoint.tensor("c").bytes.size(), 8u);
}

TEST_F(CheckpointTest, ATensorLargerThanAShardHasItsOwn) {
  make_directories(at("m"));
  write_weights(at("m"), {tensor("a"), tensor("b")}, 1);
  EXPECT_TRUE(exists(at("m/model-00002-of-00002.safetensors")));
}

TEST_F(CheckpointTest, ABadIndexIsRefused) {
  put("m/config.json", "{}");
  const auto refused = [&](const std::string& index, const std::string& message) {
    put("m/model.safetensors.index.json", index);
    expect_error([&] { Checkpoint checkpoint(at("m")); }, {message});
  };
  refused(R"({"weight_map": {"a": "../model.safetensors"}})", "../model.safetensors");
  refused(R"({"weight_map": {"a": "/etc/x.safetensors"}})", "/etc/x.safetensors");
  refused(R"({"weight_map": {"a": 1}})", "names 1 for the tensor a");
  refused(R"({"metadata": {}})", "no object weight_map");
  refused(R"([])", "no object weight_map");
  refused(R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})", "model-00001-of-00001.safetensors");
  write_safetensors(at("m/model-00001-of-00001.safetensors"), {tensor("b")});
  refused(R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})", "the tensor a should be in");
}

TEST_F(CheckpointTest, MissingPartsAreNamed) {
  expect_error([&] { Checkpoint checkpoint(at("nothing")); }, {at("nothing"), "no such model folder"});
  make_directories(at("m"));
  expect_error([&] { Checkpoint checkpoint(at("m")); }, {"neither model.safetensors nor"});
  put("m/pytorch_model.bin", "x");
  expect_error([&] { Checkpoint checkpoint(at("m")); }, {"pytorch_model.bin", "pickle", "safetensors"});
  fs::rename(at("m/pytorch_model.bin"), at("m/model.gguf"));
  expect_error([&] { Checkpoint checkpoint(at("m")); }, {"model.gguf", "iteralign import"});
  write_safetensors(at("m/model.safetensors"), {tensor("a")});
  expect_error([&] { Checkpoint checkpoint(at("m")); }, {"no config.json"});
  put("m/config.json", "{");
  expect_error([&] { Checkpoint checkpoint(at("m")); }, {"config.json", "not valid JSON"});
}

TEST_F(CheckpointTest, ASingleFileGoesBeforeAnIndex) {
  put("m/config.json", "{}");
  write_weights(at("m"), {tensor("a"), tensor("b"), tensor("c")}, 16);
  write_weights(at("m"), {tensor("d")});
  EXPECT_EQ(Checkpoint(at("m")).names(), std::vector<std::string>{"d"});
}

TEST_F(CheckpointTest, NamesHaveModelInFront) {
  put("m/config.json", "{}");
  write_weights(at("m"),
                {tensor("embed_tokens.weight"), tensor("layers.0.mlp.up_proj.weight"), tensor("norm.weight"), tensor("lm_head.weight")});
  EXPECT_EQ(Checkpoint(at("m")).names(), (std::vector<std::string>{"lm_head.weight", "model.embed_tokens.weight",
                                                                   "model.layers.0.mlp.up_proj.weight", "model.norm.weight"}));
  write_weights(at("m"), {tensor("norm.weight"), tensor("model.norm.weight")});
  expect_error([&] { Checkpoint checkpoint(at("m")); }, {"both norm.weight and model.norm.weight"});
}

TEST_F(CheckpointTest, LmHeadIsTiedAsTheWeightsHaveIt) {
  const std::string other(8, 'y');
  const TensorSource embedding = tensor("model.embed_tokens.weight"), same = tensor("lm_head.weight");
  const TensorSource different = {"lm_head.weight", DType::bf16, {2, 2}, [&] { return std::as_bytes(std::span(other)); }};
  const auto tied = [&](const std::string& config, const std::vector<TensorSource>& weights) {
    put("m/config.json", config);
    write_weights(at("m"), weights);
    return Checkpoint(at("m")).tied();
  };
  const std::string yes = R"({"model_type": "llama", "tie_word_embeddings": true})", no = R"({"model_type": "llama"})";
  EXPECT_TRUE(tied(yes, {embedding}));
  EXPECT_TRUE(tied(yes, {embedding, same}));
  EXPECT_FALSE(tied(yes, {embedding, different}));
  EXPECT_FALSE(tied(no, {embedding, same}));
  EXPECT_TRUE(tied(R"({"model_type": "gemma2"})", {embedding}));  // its class's default
  // Only lm_head is there: it is the embedding, where the configuration ties the two.
  EXPECT_TRUE(tied(yes, {same}));
  EXPECT_EQ(Checkpoint(at("m")).names(), std::vector<std::string>{"model.embed_tokens.weight"});
  EXPECT_FALSE(tied(no, {same}));
  EXPECT_EQ(Checkpoint(at("m")).names(), std::vector<std::string>{"lm_head.weight"});
}

TEST_F(CheckpointTest, LayersThatAreNotReadAreSaid) {
  const auto said = [&](int layers) {
    put("m/config.json", R"({"model_type": "llama", "vocab_size": 2, "hidden_size": 2, "intermediate_size": 2, "num_attention_heads": 1,
                             "tie_word_embeddings": true, "num_hidden_layers": )" +
                             std::to_string(layers) + "}");
    write_weights(at("m"), {tensor("model.embed_tokens.weight"), tensor("model.layers.0.mlp.up_proj.weight"),
                            tensor("model.layers.1.mlp.up_proj.weight")});
    testing::internal::CaptureStderr();
    EXPECT_EQ(model_config(Checkpoint(at("m"))).num_hidden_layers, layers);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said(2), "");
  EXPECT_NE(said(1).find("config.json says 1 layers, but the weights have more"), std::string::npos);
}

TEST_F(CheckpointTest, WhatIsNoReadableModelIsToldByWhatItIs) {
  const auto refused = [&](const std::vector<std::string>& parts) { expect_error([&] { Checkpoint checkpoint(at("m")); }, parts); };
  put("m/adapter_config.json", R"({"base_model_name_or_path": "org/base"})");
  write_safetensors(at("m/adapter_model.safetensors"), {tensor("a")});
  refused({"this is an adapter", "--model org/base --adapter " + at("m")});
  fs::remove_all(at("m"));
  put("m/consolidated.00.pth", "x");
  refused({"layout of their makers"});
  fs::remove_all(at("m"));
  put("m/config.json", "{}");
  put("m/model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
  refused({"model.safetensors", "git lfs pull"});
  put("m/config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n");
  refused({"config.json", "git lfs pull"});
  fs::remove(at("m/model.safetensors"));
  fs::create_symlink("../nowhere", at("m/model.safetensors"));
  refused({"model.safetensors", "is a link to nothing (../nowhere)"});
}

TEST_F(CheckpointTest, QuantisedWeightsAreToldByTheirMethod) {
  const auto refused = [&](const std::string& config, const std::string& name, const std::string& method) {
    put("m/config.json", config);
    write_safetensors(at("m/model.safetensors"), {tensor(name)});
    expect_error([&] { Checkpoint checkpoint(at("m")); }, {"this checkpoint is quantised (" + method + ")"});
  };
  for (const char* method : {"gptq", "awq", "bitsandbytes", "fp8", "compressed-tensors", "mxfp4", "hqq", "aqlm", "torchao"})
    refused(R"({"quantization_config": {"quant_method": ")" + std::string(method) + R"("}})", "a", method);
  refused(R"({"quantization_config": {"load_in_4bit": true}})", "a", "bitsandbytes");
  refused(R"({"quantization": {"group_size": 64, "bits": 4}})", "a", "MLX");
  refused("{}", "model.layers.0.mlp.up_proj.qweight", "gptq or awq");
  refused("{}", "model.layers.0.mlp.up_proj.weight.absmax", "bitsandbytes");
}

TEST_F(CheckpointTest, WritesNewWeightsAndCopiesTheRest) {
  put("source/config.json", R"({"model_type": "llama", "torch_dtype": "float32", "unknown": [1]})");
  put("source/tokenizer.json", "{ }");
  put("source/chat_template.jinja", "{{ x }}\n");
  put("source/additional_chat_templates/tool.jinja", "tool");
  put("source/pytorch_model.bin", "pickle");
  put("out/old", "old");
  write_checkpoint(at("out"), at("source"), {tensor("a")});
  EXPECT_EQ(read_json(at("out/config.json")), Json::parse(R"({"model_type": "llama", "torch_dtype": "bfloat16", "unknown": [1]})"));
  EXPECT_EQ(read_file(at("out/tokenizer.json")), "{ }");
  EXPECT_EQ(read_file(at("out/chat_template.jinja")), "{{ x }}\n");
  EXPECT_EQ(read_file(at("out/additional_chat_templates/tool.jinja")), "tool");
  EXPECT_FALSE(exists(at("out/pytorch_model.bin")));
  EXPECT_FALSE(exists(at("out/old")));
  EXPECT_TRUE(Checkpoint(at("out")).contains("a"));
}

TEST_F(CheckpointTest, AFailedWriteLeavesTheOldFolder) {
  put("source/config.json", "{}");
  put("out/old", "old");
  TensorSource failing = tensor("a");
  failing.bytes = []() -> std::span<const std::byte> { throw Error(ErrorKind::failed, "no memory"); };
  expect_error([&] { write_checkpoint(at("out"), at("source"), {failing}); }, {"no memory"}, ErrorKind::failed);
  EXPECT_EQ(read_file(at("out/old")), "old");
  EXPECT_EQ(list_files(folder_.path()).size(), 2u);
}

TEST_F(CheckpointTest, ARealCheckpointOpens) {
  const Checkpoint checkpoint(std::string(ITERALIGN_SOURCE_DIR) + "/models/lab");
  EXPECT_EQ(checkpoint.tensor("model.embed_tokens.weight", {1024, 128}).dtype, DType::f32);
}

TEST_F(CheckpointTest, AnLmHeadOfItsOwnIsWrittenAsSuch) {
  put("source/config.json", R"({"model_type": "llama", "tie_word_embeddings": true})");
  write_checkpoint(at("out"), at("source"), {tensor("model.embed_tokens.weight"), tensor("lm_head.weight")});
  EXPECT_EQ(read_json(at("out/config.json"))["tie_word_embeddings"], false);
  write_checkpoint(at("out"), at("source"), {tensor("model.embed_tokens.weight")});
  EXPECT_EQ(read_json(at("out/config.json"))["tie_word_embeddings"], true);
}

constexpr const char* kCacheVariables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "TRANSFORMERS_CACHE"};

class HubCache : public CheckpointTest {
 protected:
  void SetUp() override {
    for (const char* name : kCacheVariables) unsetenv(name);
    setenv("HF_HUB_CACHE", at("hub").c_str(), 1);
  }
  void TearDown() override { unsetenv("HF_HUB_CACHE"); }

  const std::string commit_ = "0123456789abcdef0123456789abcdef01234567";
  const std::string repository_ = "hub/models--org--name";
};

TEST_F(HubCache, ResolvesNamesAndRevisions) {
  put(repository_ + "/refs/main", commit_ + "\n");
  put(repository_ + "/blobs/b", "{}");
  make_directories(at(repository_ + "/snapshots/" + commit_));
  fs::create_symlink("../../blobs/b", at(repository_ + "/snapshots/" + commit_ + "/config.json"));
  const std::string snapshot = at(repository_ + "/snapshots/" + commit_);
  EXPECT_EQ(resolve_model_path("org/name"), snapshot);
  EXPECT_EQ(resolve_model_path("org/name@main"), snapshot);
  EXPECT_EQ(resolve_model_path("org/name@" + commit_), snapshot);
  EXPECT_EQ(resolve_model_path(snapshot), snapshot);
  expect_error([&] { resolve_model_path("org/name@v2"); }, {"org/name@v2", at("hub")});
  expect_error([&] { resolve_model_path("org/other"); }, {"org/other", at("hub")});
}

TEST_F(HubCache, ResolvesAdaptersToo) {
  put(repository_ + "/refs/main", commit_);
  put(repository_ + "/snapshots/" + commit_ + "/adapter_config.json", "{}");
  const std::string snapshot = at(repository_ + "/snapshots/" + commit_);
  EXPECT_EQ(resolve_adapter_path("org/name"), snapshot);
  EXPECT_EQ(resolve_adapter_path(snapshot), snapshot);
  EXPECT_EQ(resolve_adapter_path(""), "");
  expect_error([&] { resolve_adapter_path("org/other"); }, {"org/other", at("hub")});
  expect_error([&] { resolve_adapter_path("no/such/folder"); }, {"no/such/folder", "adapter"});
  expect_error([&] { resolve_adapter_path("x/lora.gguf"); }, {"GGUF", "PEFT"});
}

TEST_F(HubCache, RefusesLinksOutOfTheRepositoryAndOddNames) {
  put("secret", "x");
  put(repository_ + "/refs/main", commit_);
  make_directories(at(repository_ + "/snapshots/" + commit_));
  fs::create_symlink(at("secret"), at(repository_ + "/snapshots/" + commit_ + "/config.json"));
  expect_error([&] { resolve_model_path("org/name"); }, {"config.json", "out of the cached repository"});
  expect_error([&] { resolve_model_path("../name"); }, {"neither"});
  expect_error([&] { resolve_model_path("org/name@../../x"); }, {"neither"});
  expect_error([&] { resolve_model_path("a/b/c"); }, {"neither"});
  expect_error([&] { resolve_model_path("x/model.gguf"); }, {"iteralign import x/model.gguf"});
}

TEST_F(HubCache, EveryVariableThatNamesACacheIsHonoured) {
  const auto put_model = [&](const std::string& hub) {
    put(hub + "/models--org--name/refs/main", commit_);
    put(hub + "/models--org--name/snapshots/" + commit_ + "/config.json", "{}");
    return at(hub + "/models--org--name/snapshots/" + commit_);
  };
  const auto found_with = [&](const char* variable, const std::string& value) {
    unsetenv("HF_HUB_CACHE");
    setenv(variable, value.c_str(), 1);
    std::string found = resolve_model_path("org/name");
    unsetenv(variable);
    return found;
  };
  const std::string home = getenv("HOME") == nullptr ? "" : getenv("HOME");
  for (const auto& [variable, value, hub] : {std::tuple{"HUGGINGFACE_HUB_CACHE", "a", "a"},
                                             {"HF_HOME", "b", "b/hub"},
                                             {"XDG_CACHE_HOME", "c", "c/huggingface/hub"},
                                             {"TRANSFORMERS_CACHE", "d", "d"}}) {
    const std::string expected = put_model(hub);
    EXPECT_EQ(found_with(variable, at(value)), expected);
  }
  const std::string in_home = put_model("e/hf/hub");
  setenv("HOME", at("e").c_str(), 1);
  EXPECT_EQ(found_with("HF_HOME", "~/hf"), in_home);
  setenv("HOME", home.c_str(), 1);
  setenv("HF_HOME", at("b").c_str(), 1);  // what is more exact goes before
  EXPECT_EQ(found_with("HF_HUB_CACHE", at("a")), at("a/models--org--name/snapshots/" + commit_));
  unsetenv("HF_HOME");
}

TEST_F(HubCache, FoldersOfTheCacheMayLieOnAnotherDisk) {
  put("disk/models--org--name/refs/main", commit_);
  put("disk/blobs/b", "{}");
  make_directories(at("disk/models--org--name/snapshots/" + commit_));
  fs::create_symlink(at("disk/blobs"), at("disk/models--org--name/blobs"));
  fs::create_symlink("../../blobs/b", at("disk/models--org--name/snapshots/" + commit_ + "/config.json"));
  make_directories(at("hub"));
  fs::create_symlink(at("disk/models--org--name"), at("hub/models--org--name"));
  EXPECT_EQ(resolve_model_path("org/name"), at("hub/models--org--name/snapshots/" + commit_));
  // The folder of the repository, as people copy it out of a file manager.
  EXPECT_EQ(resolve_model_path(at("hub/models--org--name")), at("hub/models--org--name/snapshots/" + commit_));
}

TEST_F(HubCache, ALinkToNothingIsNamedWhereItMatters) {
  const std::string snapshot = repository_ + "/snapshots/" + commit_;
  put(repository_ + "/refs/main", commit_);
  put(snapshot + "/config.json", "{}");
  fs::create_symlink("../../blobs/b", at(snapshot + "/pytorch_model.bin"));  // never read
  EXPECT_EQ(resolve_model_path("org/name"), at(snapshot));
  fs::create_symlink("../../blobs/c", at(snapshot + "/model.safetensors"));
  expect_error([&] { resolve_model_path("org/name"); }, {"model.safetensors", "is a link to nothing (../../blobs/c)"});
}

}  // namespace
}  // namespace iteralign
