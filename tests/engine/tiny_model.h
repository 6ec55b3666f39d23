#pragma once
// Small random models as Hugging Face folders, for tests: a byte vocabulary and two layers.

#include <ATen/ATen.h>

#include <filesystem>
#include <string>

#include "core/files.h"
#include "core/json.h"
#include "core/random.h"
#include "formats/checkpoint.h"
#include "temporary_folder.h"

namespace iteralign {

inline constexpr int kTinyVocabulary = 272;  // 256 bytes, three special tokens, the rest padding rows

// Byte-level BPE without merges: every byte is a token. <s> 256 (BOS, added), </s> 257 (EOS), <pad> 258.
inline Json tiny_tokenizer() {
  Json vocabulary = Json::object();
  int next = 256;  // bytes that are not printable have characters from U+0100 on
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    const int code = printable ? byte : next++;
    std::string text;
    if (code < 0x80) {
      text = std::string(1, static_cast<char>(code));
    } else {
      text = {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3f))};
    }
    vocabulary[text] = byte;
  }
  Json added = Json::array();
  int id = 256;
  for (const char* token : {"<s>", "</s>", "<pad>"}) {
    vocabulary[token] = id;
    added.push_back({{"id", id++},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const Json single = Json::parse(R"([{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}])");
  const Json pair = Json::parse(R"([{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}])");
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", single},
            {"pair", pair},
            {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {256}}, {"tokens", {"<s>"}}}}}}}},
          {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocabulary},
            {"merges", Json::array()}}}};
}

inline Json tiny_config() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", kTinyVocabulary},
          {"hidden_size", 64},
          {"intermediate_size", 96},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-5},
          {"rope_theta", 10000.0},
          {"hidden_act", "silu"},
          {"tie_word_embeddings", true},
          {"bos_token_id", 256},
          {"eos_token_id", 257},
          {"torch_dtype", "float32"}};
}

// The tensors of such a model, whose sizes are those of tiny_config(), in any family.
inline std::vector<std::pair<std::string, std::vector<std::int64_t>>> tiny_tensors(const Json& config) {
  const std::string type = config["model_type"];
  const bool gemma = type.starts_with("gemma"), olmo = type == "olmo2", phi = type == "phi3";
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> all = {{"model.embed_tokens.weight", {kTinyVocabulary, 64}}};
  for (int i = 0; i < 2; ++i) {
    const auto add = [&, layer = "model.layers." + std::to_string(i) + "."](const std::string& name, std::vector<std::int64_t> shape) {
      all.emplace_back(layer + name, std::move(shape));
    };
    if (!olmo) add("input_layernorm.weight", {64});
    add("post_attention_layernorm.weight", {64});
    if (gemma) add("pre_feedforward_layernorm.weight", {64});
    if (gemma || olmo) add("post_feedforward_layernorm.weight", {64});
    if (olmo || type == "qwen3" || type == "gemma3_text") {
      add("self_attn.q_norm.weight", {olmo ? 64 : 16});
      add("self_attn.k_norm.weight", {olmo ? 32 : 16});
    }
    if (phi) add("self_attn.qkv_proj.weight", {128, 64});
    for (const auto& [name, out] : {std::pair("q_proj", 64), {"k_proj", 32}, {"v_proj", 32}}) {
      if (!phi) add("self_attn." + std::string(name) + ".weight", {out, 64});
      if (type == "qwen2") add("self_attn." + std::string(name) + ".bias", {out});
    }
    add("self_attn.o_proj.weight", {64, 64});
    if (phi) add("mlp.gate_up_proj.weight", {192, 64});
    if (!phi) add("mlp.gate_proj.weight", {96, 64});
    if (!phi) add("mlp.up_proj.weight", {96, 64});
    add("mlp.down_proj.weight", {64, 96});
  }
  all.push_back({"model.norm.weight", {64}});
  return all;
}

// Writes the folder; `config` may differ from tiny_config() in the keys that change no size.
inline void write_tiny_model(const std::string& folder, const Json& config = tiny_config(), std::uint64_t seed = 1) {
  std::filesystem::create_directories(folder);
  write_file_atomic(join_path(folder, "config.json"), dump_json_pretty(config));
  write_file_atomic(join_path(folder, "tokenizer.json"), dump_json(tiny_tokenizer()));
  write_file_atomic(join_path(folder, "tokenizer_config.json"),
                    R"({"bos_token":"<s>","eos_token":"</s>","pad_token":"<pad>","add_bos_token":true})");
  std::vector<TensorSource> sources;
  Random random(seed);
  for (const auto& [name, shape] : tiny_tensors(config)) {
    const bool norm = shape.size() == 1 && !name.ends_with(".bias");
    auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(element_count(shape)));
    for (float& x : *values) x = static_cast<float>(norm ? 1 + 0.1 * random.normal() : 0.2 * random.normal());
    sources.push_back({name, DType::f32, shape, [values] { return std::as_bytes(std::span(*values)); }});
  }
  write_weights(folder, sources);
}

}  // namespace iteralign
