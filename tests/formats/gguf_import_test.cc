#include "formats/gguf_import.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/files.h"
#include "core/json.h"
#include "expect_error.h"
#include "formats/checkpoint.h"
#include "formats/float16.h"
#include "formats/gguf_config.h"
#include "formats/gguf_tokenizer.h"
#include "formats/model_config.h"
#include "gguf_builder.h"
#include "temporary_folder.h"
#include "text/tokenizer.h"

namespace iteralign {
namespace {

// A head needs four rows for the permutation to show.
constexpr std::uint64_t kHidden = 4, kInner = 256, kVocabulary = 5, kHeads = 2, kHeadDim = 4;

// Row r of the tensor is filled with r.
std::vector<float> rows(std::uint64_t count, std::uint64_t columns) {
  std::vector<float> values;
  for (std::uint64_t row = 0; row < count; ++row) values.insert(values.end(), columns, static_cast<float>(row));
  return values;
}

GgufBuilder& add_config(GgufBuilder& builder) {
  return builder.u32("llama.block_count", 1)
      .u32("llama.context_length", 64)
      .u32("llama.embedding_length", kHidden)
      .u32("llama.feed_forward_length", kInner)
      .u32("llama.attention.head_count", kHeads)
      .u32("llama.attention.head_count_kv", 1)
      .u32("llama.rope.dimension_count", kHeadDim)
      .f32("llama.rope.freq_base", 10000.0f)
      .f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
}

GgufBuilder& add_tokenizer(GgufBuilder& builder) {
  return builder.string("tokenizer.ggml.model", "gpt2")
      .string("tokenizer.ggml.pre", "gpt-2")
      .strings("tokenizer.ggml.tokens", {"<|end|>", "a", "b", "\u0120", "ab"})
      .i32s("tokenizer.ggml.token_type", {3, 1, 1, 1, 1})
      .strings("tokenizer.ggml.merges", {"a b"})
      .u32("tokenizer.ggml.eos_token_id", 0)
      .string("tokenizer.chat_template", "{{ messages }}\n");
}

struct Variant {
  bool tied = true;
  bool unreadable = false;  // one tensor in IQ2_XXS, which cannot be read
};

GgufBuilder& add_tensors(GgufBuilder& builder, const Variant& variant) {
  const auto add = [&](const std::string& name, std::uint64_t out, std::uint64_t in) {
    builder.f32_tensor(name, {in, out}, rows(out, in));
  };
  add("token_embd.weight", kVocabulary, kHidden);
  builder.f32_tensor("blk.0.attn_norm.weight", {kHidden}, {1, 1, 1, 1});
  add("blk.0.attn_q.weight", kHeads * kHeadDim, kHidden);
  add("blk.0.attn_k.weight", kHeadDim, kHidden);
  add("blk.0.attn_v.weight", kHeadDim, kHidden);
  add("blk.0.attn_output.weight", kHidden, kHeads * kHeadDim);
  builder.f32_tensor("blk.0.ffn_norm.weight", {kHidden}, {1, 1, 1, 1});
  add("blk.0.ffn_gate.weight", kInner, kHidden);
  add("blk.0.ffn_up.weight", kInner, kHidden);
  if (variant.unreadable) {
    builder.tensor("blk.0.ffn_down.weight", {kInner, kHidden}, 16, std::string(kHidden * 66, 'x'));
  } else {
    add("blk.0.ffn_down.weight", kHidden, kInner);
  }
  builder.f32_tensor("output_norm.weight", {kHidden}, {1, 1, 1, 1});
  if (!variant.tied) add("output.weight", kVocabulary, kHidden);
  return builder;
}

class Import : public testing::Test {
 protected:
  void import_file(const GgufBuilder& builder) const {
    std::ofstream(path(), std::ios::binary) << builder.build();
    import_gguf(path(), out());
  }
  void expect_refused(const GgufBuilder& builder, const std::vector<std::string>& parts) const {
    expect_error([&] { import_file(builder); }, parts);
    EXPECT_FALSE(exists(out()));
    EXPECT_EQ(list_files(folder_.path()).size(), 1u);  // the GGUF file alone
  }
  GgufFile open_gguf(const GgufBuilder& builder) const {
    std::ofstream(path(), std::ios::binary) << builder.build();
    return GgufFile(path());
  }
  [[nodiscard]] std::string path() const { return folder_.file("m.gguf"); }
  [[nodiscard]] std::string out() const { return folder_.file("out"); }

  TemporaryFolder folder_;
};

GgufBuilder llama() { return GgufBuilder().string("general.architecture", "llama"); }

GgufBuilder whole(const Variant& variant = {}) {
  GgufBuilder builder = llama();
  add_tensors(add_tokenizer(add_config(builder)), variant);
  return builder;
}

// The first value of each row.
std::vector<float> first_column(const TensorView& view) {
  std::vector<float> values;
  const auto* data = reinterpret_cast<const std::uint16_t*>(view.bytes.data());
  for (std::int64_t row = 0; row < view.shape[0]; ++row) values.push_back(bf16_to_float(data[row * view.shape[1]]));
  return values;
}

TEST_F(Import, MakesAnOrdinaryFolder) {
  import_file(whole());
  const Checkpoint checkpoint(out());
  const ModelConfig config = parse_model_config(checkpoint.config(), "config.json");
  EXPECT_EQ(config.vocab_size, 5);
  EXPECT_EQ(config.head_dim, 4);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_TRUE(config.tie_word_embeddings);
  EXPECT_EQ(config.dtype, "bfloat16");
  EXPECT_EQ(checkpoint.generation_config()["eos_token_id"], 0);
  EXPECT_FALSE(checkpoint.contains("lm_head.weight"));
  EXPECT_EQ(first_column(checkpoint.tensor("model.layers.0.mlp.down_proj.weight", {4, 256})), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(read_file(out() + "/chat_template.jinja"), "{{ messages }}\n");
  EXPECT_EQ(read_json(out() + "/special_tokens_map.json")["eos_token"], "<|end|>");
}

TEST_F(Import, UndoesThePermutationOfQAndK) {
  import_file(whole());
  const Checkpoint checkpoint(out());
  // New row j + h d/2 of a head is old row 2j + h.
  EXPECT_EQ(first_column(checkpoint.tensor("model.layers.0.self_attn.q_proj.weight")), (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(first_column(checkpoint.tensor("model.layers.0.self_attn.k_proj.weight")), (std::vector<float>{0, 2, 1, 3}));
  EXPECT_EQ(first_column(checkpoint.tensor("model.layers.0.self_attn.v_proj.weight")), (std::vector<float>{0, 1, 2, 3}));
}

TEST_F(Import, KeepsAnUntiedHead) {
  import_file(whole({.tied = false}));
  const Checkpoint checkpoint(out());
  EXPECT_FALSE(checkpoint.config()["tie_word_embeddings"].get<bool>());
  EXPECT_EQ(checkpoint.tensor("lm_head.weight").shape, (std::vector<std::int64_t>{5, 4}));
}

TEST_F(Import, RefusesWhatItCannotRead) {
  GgufBuilder other = GgufBuilder().string("general.architecture", "mamba");
  expect_refused(other, {path(), "\"mamba\" is not supported", "llama", "qwen3"});
  GgufBuilder experts = whole();
  expect_refused(experts.u32("llama.expert_count", 8), {"experts"});
  GgufBuilder scaled = whole();
  expect_refused(scaled.string("llama.rope.scaling.type", "spiral"), {"\"spiral\"", "llama.rope.scaling.type"});
  GgufBuilder no_tensors = llama();
  expect_refused(add_tokenizer(add_config(no_tensors)), {path(), "the tensor token_embd.weight is missing"});
  GgufBuilder wrong_shape = whole();
  expect_refused(wrong_shape.u32("llama.vocab_size", 6), {"token_embd.weight", "[5, 4]", "[6, 4]"});
  GgufBuilder no_config = llama();
  expect_refused(add_tokenizer(no_config), {path(), "llama.embedding_length"});
}

TEST_F(Import, ATypeThatIsNotThereYetLeavesNothing) {
  GgufBuilder builder = llama();
  add_tensors(add_tokenizer(add_config(builder)), {.unreadable = true});
  expect_refused(builder, {path(), "blk.0.ffn_down.weight has the type IQ2_XXS", "Q4_0"});
}

std::vector<float> llama3_divisors(double factor, double high, double length, double theta, int half) {
  std::vector<float> divisors;
  for (int k = 0; k < half; ++k) {
    const double wavelength = 6.283185307179586 * std::pow(theta, static_cast<double>(k) / half),
                 smooth = (length / wavelength - 1) / (high - 1);
    divisors.push_back(static_cast<float>(wavelength < length / high ? 1
                                          : wavelength > length      ? factor
                                                                     : 1 / ((1 - smooth) / factor + smooth)));
  }
  return divisors;
}

TEST_F(Import, RecoversLlama3Scaling) {
  const auto scaling = [&](const std::vector<float>& divisors) {
    GgufBuilder builder = llama();
    add_tokenizer(builder).u32("llama.block_count", 1).u32("llama.context_length", 64).u32("llama.embedding_length", 128);
    builder.u32("llama.feed_forward_length", 6).u32("llama.attention.head_count", 2).f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    builder.f32("llama.rope.freq_base", 500000.0f).f32_tensor("rope_freqs.weight", {divisors.size()}, divisors);
    return gguf_model_config(open_gguf(builder))["rope_scaling"];
  };
  const Json published = scaling(llama3_divisors(32, 4, 8192, 500000, 32));
  EXPECT_EQ(published["rope_type"], "llama3");
  EXPECT_EQ(published["factor"], 32.0);
  EXPECT_EQ(published["high_freq_factor"], 4.0);
  EXPECT_EQ(published["original_max_position_embeddings"], 8192);
  const Json other = scaling(llama3_divisors(8, 16, 4096, 500000, 32));
  EXPECT_EQ(other["factor"], 8.0);
  EXPECT_EQ(other["high_freq_factor"], 16.0);
  EXPECT_EQ(other["original_max_position_embeddings"], 4096);
  EXPECT_TRUE(scaling(std::vector<float>(32, 1.0f)).is_null());
  std::vector<float> odd(32, 1.0f);
  odd[3] = 7;
  expect_error([&] { scaling(odd); }, {"rope_freqs.weight"});
}

// The ids that our own tokenizer gives with the tokenizer.json that was made.
std::vector<std::int32_t> encode(const GgufFile& file, const std::string& text) {
  const GgufTokenizer made = read_gguf_tokenizer(file);
  return Tokenizer::from_json(made.tokenizer, made.tokenizer_config, file.path()).encode(text, true);
}

TEST_F(Import, ByteLevelTokenizer) {
  GgufBuilder builder;
  const GgufFile file = open_gguf(add_tokenizer(builder));
  EXPECT_EQ(encode(file, "ab a<|end|>b"), (std::vector<std::int32_t>{4, 3, 1, 0, 2}));
}

TEST_F(Import, SentencePieceTokenizer) {
  GgufBuilder builder;
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "\u2581", "a", "b", "ab", "\u2581ab", "\u2581a"};
  builder.string("tokenizer.ggml.model", "llama").strings("tokenizer.ggml.tokens", tokens);
  builder.i32s("tokenizer.ggml.token_type", {2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1});
  builder.f32s("tokenizer.ggml.scores", {0, 0, 0, 0, 0, -6, -7, -8, -1, -2, -3});
  builder.u32("tokenizer.ggml.bos_token_id", 1).u32("tokenizer.ggml.eos_token_id", 2).u32("tokenizer.ggml.unknown_token_id", 0);
  const GgufFile file = open_gguf(builder);
  EXPECT_EQ(encode(file, "ab a\u00e9"), (std::vector<std::int32_t>{1, 9, 10, 3, 4}));
  const Json merges = read_gguf_tokenizer(file).tokenizer["model"]["merges"];
  // By score: ab (-1), then the two ways to "▁ab" (-2), the longer left part first, then ▁a (-3).
  EXPECT_EQ(merges, Json::parse("[[\"a\",\"b\"],[\"\u2581a\",\"b\"],[\"\u2581\",\"ab\"],[\"\u2581\",\"a\"]]"));
}

// <unk> 0, <s> 1, </s> 2, <|user|> 3, [INST] 4, "\u2581" 5, "\u2581\u2581" 6, "a" 7, "\u2581a" 8, "\n" as a byte 9.
GgufBuilder spaces(const std::string& architecture, const std::string& name, bool instruction_is_control) {
  GgufBuilder builder;
  builder.string("general.architecture", architecture).string("general.name", name).string("tokenizer.ggml.model", "llama");
  builder.strings("tokenizer.ggml.tokens",
                  {"<unk>", "<s>", "</s>", "<|user|>", "[INST]", "\u2581", "\u2581\u2581", "a", "\u2581a", "<0x0A>"});
  builder.i32s("tokenizer.ggml.token_type", {2, 3, 3, 3, instruction_is_control ? 3 : 1, 1, 1, 1, 1, 6});
  builder.f32s("tokenizer.ggml.scores", {0, 0, 0, 0, -9, -4, -2, -5, -1, 0});
  return builder.u32("tokenizer.ggml.bos_token_id", 1)
      .u32("tokenizer.ggml.unknown_token_id", 0)
      .flag("tokenizer.ggml.add_bos_token", false);
}

// As llama.cpp and the tokenizer.json of Llama-2 have it.
TEST_F(Import, SentencePiecePutsASpaceBeforeEveryStretchOfText) {
  const GgufFile file = open_gguf(spaces("llama", "Llama 2", false));
  EXPECT_EQ(encode(file, "a"), (std::vector<std::int32_t>{8}));
  EXPECT_EQ(encode(file, " a"), (std::vector<std::int32_t>{5, 8}));
  EXPECT_EQ(encode(file, " "), (std::vector<std::int32_t>{6}));
  EXPECT_EQ(encode(file, "<s>a</s> a"), (std::vector<std::int32_t>{1, 8, 2, 5, 8}));
  GgufBuilder without = spaces("gemma", "Gemma", false);
  EXPECT_EQ(encode(open_gguf(without.flag("tokenizer.ggml.add_space_prefix", false)), "a<s> a"), (std::vector<std::int32_t>{7, 1, 8}));
}

TEST_F(Import, MistralsInstructionTokenMeansThatSpacesAreWritten) {
  const GgufFile file = open_gguf(spaces("llama", "Mistral", true));
  EXPECT_EQ(encode(file, "a"), (std::vector<std::int32_t>{8}));
  EXPECT_EQ(encode(file, "<s>[INST] a"), (std::vector<std::int32_t>{1, 4, 8}));
}

// llama.cpp knows by the model's name that Phi-3's tokens take the white space behind them, all but three.
TEST_F(Import, Phi3TokensTakeWhiteSpace) {
  for (const auto& [architecture, name] : {std::pair("phi3", "x"), std::pair("llama", "Phi-3 mini"), std::pair("llama", "my PHI3")}) {
    const GgufFile file = open_gguf(spaces(architecture, name, false));
    EXPECT_EQ(encode(file, "<|user|>\n a"), (std::vector<std::int32_t>{3, 8})) << name;
    EXPECT_EQ(encode(file, "<s>\na"), (std::vector<std::int32_t>{1, 5, 9, 7})) << name;
  }
  EXPECT_EQ(encode(open_gguf(spaces("llama", "x", false)), "<|user|>\n a"), (std::vector<std::int32_t>{3, 5, 9, 8}));
}

TEST_F(Import, BadTokenizersAreNamed) {
  const auto refused = [&](const GgufBuilder& builder, const std::vector<std::string>& parts) {
    expect_error([&] { read_gguf_tokenizer(open_gguf(builder)); }, parts);
  };
  const auto base = [] { return GgufBuilder().string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", {"a", "b"}); };
  refused(GgufBuilder().string("tokenizer.ggml.model", "t5"), {path(), "\"t5\"", "tokenizer.ggml.model"});
  refused(base().string("tokenizer.ggml.pre", "kimi-k2"), {"\"kimi-k2\"", "tokenizer.ggml.pre", "llama-bpe"});
  refused(base(), {"tokenizer.ggml.merges"});
  refused(base().strings("tokenizer.ggml.merges", {"ab"}), {"merge 1 "});
  refused(base().strings("tokenizer.ggml.merges", {"a b"}), {"merge 1 ", "not in the vocabulary"});
  refused(base().u32("tokenizer.ggml.eos_token_id", 2), {"tokenizer.ggml.eos_token_id is 2"});
  refused(GgufBuilder().string("tokenizer.ggml.model", "llama").strings("tokenizer.ggml.tokens", {"a"}).f32s("tokenizer.ggml.scores", {}),
          {"tokenizer.ggml.scores has another length"});
}

}  // namespace
}  // namespace iteralign
