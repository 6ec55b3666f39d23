// Faults in the files of a model, an adapter and a GGUF file.

#include <limits>

#include "formats/model_tensors.h"
#include "sick_model.h"

namespace iteralign {
namespace {

const std::string kHead = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}";
const std::string kPromptEnd = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

TEST_F(SickModel, AHealthyOneHasNoFault) {
  look();
  expect_no_fault();
  for (const char* check : {"end_of_turn", "loss_mask", "double_bos", "control_tokens", "template_files", "stop_tokens", "pad_token",
                            "vocabulary", "weights", "tied_embeddings"})
    expect(FindingStatus::ok, check, "");
}

TEST_F(SickModel, TheExampleIsThatOfTraining) {
  look();
  const auto& tokens = diagnosis_.example;
  ASSERT_GT(tokens.size(), 4U);
  EXPECT_EQ(tokens.front().token, "<|im_start|>");
  EXPECT_FALSE(tokens.front().learnt);
  EXPECT_EQ(tokens.back().token, "<|im_end|>");
  EXPECT_TRUE(tokens.back().learnt && tokens.back().end_of_turn);
  EXPECT_EQ(std::ranges::count_if(tokens, &ExampleToken::end_of_turn), 1);
}

TEST_F(SickModel, TemplateWithoutEndOfTurn) {
  set_template(kHead + "{{ m['content'] + '\n' }}{% endfor %}" + kPromptEnd);
  look();
  expect_fault("end_of_turn", "writes no end of turn");
}

TEST_F(SickModel, EndOfTurnOutsideOfTheTurn) {
  set_template(
      "{% for m in messages %}{% if not loop.first %}{{ '<|im_end|>\n' }}{% endif %}{{ '<|im_start|>' + m['role'] + '\n' + "
      "m['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_end|>\n<|im_start|>assistant\n' }}{% endif %}");
  look();
  expect_fault("end_of_turn", "outside");
}

TEST_F(SickModel, EndOfTurnMaskedOutByGenerationTags) {
  const std::string others = "{% else %}{{ m['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}" + kPromptEnd;
  const std::string begin = kHead + "{% if m['role'] == 'assistant' %}{% generation %}";
  set_template(begin + "{{ m['content'] }}{% endgeneration %}{{ '<|im_end|>' }}" + others);
  look();
  expect_fault("end_of_turn", "mask it out");
  set_template(begin + "{{ m['content'] + '<|im_end|>' }}{% endgeneration %}" + others);
  look();
  expect(FindingStatus::ok, "end_of_turn", "is learnt");
}

TEST_F(SickModel, EndOfTurnThatIsNotSpecial) {
  edit("tokenizer.json", [](Json& json) { json["added_tokens"][2]["special"] = false; });
  look();
  expect_fault("end_of_turn", "not mark as special");
}

TEST_F(SickModel, DoubleBos) {
  const auto write_bos = [this] {
    edit("tokenizer_config.json", [](Json& json) { json["chat_template"] = "{{ bos_token }}" + json["chat_template"].get<std::string>(); });
  };
  edit("tokenizer_config.json", [](Json& json) { json["bos_token"] = "<|endoftext|>"; });
  write_bos();
  look();
  expect(FindingStatus::ok, "double_bos", "once");
  edit("tokenizer.json", [](Json& json) {
    json["post_processor"] = Json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
      "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}})");
  });
  look();
  expect(FindingStatus::warning, "double_bos", "double BOS");
  write_bos();
  look();
  expect_fault("double_bos", "more than one BOS");
}

TEST_F(SickModel, TemplateOfAnotherModel) {
  set_template(ChatTemplate::named("llama3").source());
  look();
  expect_fault("control_tokens", "wrong template");
  expect_fault("end_of_turn", "no token of this vocabulary");
  set_template("{% for m in messages %}{{ '[INST] ' + m['content'] + eos_token }}{% endfor %}");
  look();
  expect(FindingStatus::warning, "control_tokens", "`<|im_start|>`, which the template never writes");
}

TEST_F(SickModel, GenerationPromptIsMissing) {
  set_template(kHead + "{{ m['content'] + '<|im_end|>\n' }}{% endfor %}");
  look();
  expect(FindingStatus::warning, "loss_mask", "before the answer is learnt");
}

TEST_F(SickModel, TwoTemplates) {
  const Json config = read_json(join_path(model(), "tokenizer_config.json"));
  const std::string source = config["chat_template"];
  write_file_atomic(join_path(model(), "chat_template.jinja"), "{# the same #}" + source);
  look();
  expect(FindingStatus::ok, "template_files", "the same");
  write_file_atomic(join_path(model(), "chat_template.jinja"), "{{ 'Be good.' }}" + source);
  look();
  expect_fault("template_files", "differ");
}

TEST_F(SickModel, StopTokens) {
  edit("generation_config.json", [](Json& json) { json["eos_token_id"] = 0; });
  look();
  expect_fault("stop_tokens", "generation_config.json is [0]");
  edit("generation_config.json", [](Json& json) { json["eos_token_id"] = Json::array({0, 2}); });
  look();
  expect_no_fault();
  edit("generation_config.json", [](Json& json) { json.erase("eos_token_id"); });
  edit("config.json", [](Json& json) { json["eos_token_id"] = 0; });
  look();
  expect_fault("stop_tokens", "of config.json");
}

TEST_F(SickModel, PadTokenIsEndOfTurn) {
  edit("tokenizer_config.json", [](Json& json) { json["pad_token"] = "<|im_end|>"; });
  look();
  expect(FindingStatus::warning, "pad_token", "mask the end of turn out");
  expect_no_fault();
}

TEST_F(SickModel, VocabularyLargerThanTheEmbedding) {
  edit("tokenizer.json", [](Json& json) {
    for (const char* token : {"<|picture|>", "<|user|>"}) {
      Json added = json["added_tokens"][2];
      added["content"] = token;
      added["id"] = json["added_tokens"].size() + 1021;
      json["added_tokens"].push_back(added);
    }
  });
  look();
  expect(FindingStatus::warning, "vocabulary", "<|picture|>");  // nothing writes it
  set_template(kHead + "{{ m['content'] + '<|user|><|im_end|>' }}{% endfor %}" + kPromptEnd);
  look();
  expect_fault("vocabulary", "`<|user|>` (1025)");
}

TEST_F(SickModel, IdsOutOfRange) {
  edit("config.json", [](Json& json) { json["pad_token_id"] = 4000; });
  look();
  expect_fault("vocabulary", "pad_token_id 4000 of config.json");
}

TEST_F(SickModel, BrokenWeights) {
  edit_weights(model(), [](Weights& weights) {
    weights.values["model.layers.1.mlp.up_proj.weight"][7] = std::numeric_limits<float>::quiet_NaN();
    std::ranges::fill(weights.values["model.layers.2.self_attn.v_proj.weight"], 0.0F);
    weights.values.erase("model.norm.weight");
  });
  look();
  expect_fault("weights", "NaN or infinity in model.layers.1.mlp.up_proj.weight");
  expect_fault("weights", "nothing but zeros in model.layers.2.self_attn.v_proj.weight");
  expect_fault("weights", "missing: model.norm.weight");
}

TEST_F(SickModel, WeightsOfAnotherShape) {
  edit("config.json", [](Json& json) { json["intermediate_size"] = 320; });
  look();
  expect_fault("weights", "up_proj.weight is [352, 128], not [320, 128]");
}

TEST_F(SickModel, TiedHeadThatDiffers) {
  edit_weights(model(), [](Weights& weights) {
    weights.add("lm_head.weight", weights.shapes["model.embed_tokens.weight"], weights.values["model.embed_tokens.weight"]);
  });
  look();
  expect(FindingStatus::ok, "tied_embeddings", "copy");
  edit_weights(model(), [](Weights& weights) { weights.values["lm_head.weight"][5] += 1; });
  look();
  expect_fault("tied_embeddings", "differs from the embedding");
  edit_weights(model(), [](Weights& weights) { weights.values.erase("lm_head.weight"); });
  edit("config.json", [](Json& json) { json["tie_word_embeddings"] = false; });
  look();
  expect_fault("tied_embeddings", "no lm_head.weight");
}

TEST_F(SickModel, OneFaultDoesNotHideTheOthers) {
  write_file_atomic(join_path(model(), "tokenizer.json"), "{");
  edit("config.json", [](Json& json) { json["tie_word_embeddings"] = false; });
  look();
  expect_fault("tied_embeddings", "no lm_head");
  EXPECT_TRUE(std::ranges::any_of(diagnosis_.findings, [](const Finding& finding) { return finding.check == "tokenizer"; })) << report();
  EXPECT_TRUE(diagnosis_.example.empty());
}

TEST_F(SickModel, AnAdapterOnTheEmbeddingFits) {
  const std::string adapter = write_adapter({{"target_modules", Json::array({"q_proj", "embed_tokens"})}});
  const std::vector<std::int64_t> shape = Checkpoint(model()).tensor("model.embed_tokens.weight").shape;
  const std::vector<float> a(static_cast<std::size_t>(2 * shape[0]), 0.1F), b(static_cast<std::size_t>(2 * shape[1]), 0.1F), q(256, 0.5F);
  const auto bytes = [](const std::vector<float>& values) { return [&values] { return std::as_bytes(std::span(values)); }; };
  const std::string prefix = "base_model.model.model.";
  write_safetensors(join_path(adapter, "adapter_model.safetensors"),
                    {{prefix + "embed_tokens.lora_embedding_A", DType::f32, {2, shape[0]}, bytes(a)},
                     {prefix + "embed_tokens.lora_embedding_B", DType::f32, {shape[1], 2}, bytes(b)},
                     {prefix + "layers.0.self_attn.q_proj.lora_A.default.weight", DType::f32, {2, 128}, bytes(q)},
                     {prefix + "layers.0.self_attn.q_proj.lora_B.default.weight", DType::f32, {128, 2}, bytes(q)}});
  look(adapter);
  expect(FindingStatus::ok, "adapter_shapes", "4 tensors fit");
  expect(FindingStatus::ok, "adapter_scaling", "r 2");
}

TEST_F(SickModel, HealthyAdapter) {
  look(write_adapter(Json::object()));
  expect_no_fault();
  for (const char* check : {"adapter_base", "adapter_shapes", "adapter_scaling", "adapter_effect"}) expect(FindingStatus::ok, check, "");
}

TEST_F(SickModel, AdapterOfAnotherBase) {
  look(write_adapter(Json::object(), 64));
  expect_fault("adapter_shapes", "shapes do not fit at model.layers.0.self_attn.q_proj");
  look(write_adapter({{"target_modules", Json::array({"query"})}}, 128, 0.5F, "attention.query"));
  expect_fault("adapter_shapes", "no module model.layers.0.attention.query");
  expect_fault("adapter_shapes", "target_modules names no module of this model: query");
  const std::string other = copy("other");
  edit_weights(other, [](Weights& weights) { weights.values["model.norm.weight"][0] += 1; });
  look(write_adapter({{"base_model_name_or_path", other}}));
  expect_fault("adapter_base", "another base");
  look(write_adapter({{"base_model_name_or_path", "nobody/unknown-7b"}}));
  expect(FindingStatus::warning, "adapter_base", "nobody/unknown-7b");
}

TEST_F(SickModel, AdapterScaling) {
  look(write_adapter({{"r", 8}}));
  expect_fault("adapter_scaling", "r is 8, but the factors have rank 2");
  look(write_adapter({{"lora_alpha", nullptr}}));
  expect_fault("adapter_scaling", "no lora_alpha");
  look(write_adapter({{"use_rslora", true}}));
  expect(FindingStatus::warning, "adapter_scaling", "alpha / sqrt(r) = 2.828");
}

TEST_F(SickModel, AdapterWithoutEffect) {
  look(write_adapter(Json::object(), 128, 0.0F));
  expect_fault("adapter_effect", "without effect");
  look(write_adapter(Json::object(), 128, std::numeric_limits<float>::infinity()));
  expect_fault("adapter_effect", "NaN or infinity");
}

TEST_F(SickModel, HealthyGgufOfEveryType) {
  for (const GgufType type : {GgufType::f32, GgufType::f16, GgufType::bf16, GgufType::q8_0, GgufType::q4_0}) {
    look({}, export_to_gguf(model(), type));
    expect_no_fault();
    for (const char* check : {"gguf_config", "gguf_tokens", "gguf_template", "gguf_weights"}) expect(FindingStatus::ok, check, "");
  }
}

TEST_F(SickModel, PermutedHeads) {
  const std::string other = copy("other");
  edit_weights(other, [](Weights& weights) {  // so that the exporter's own permutation undoes this one
    for (const char* module : {"q_proj", "k_proj"}) {
      std::vector<float>& values = weights.values[std::string("model.layers.0.self_attn.") + module + ".weight"];
      const std::vector<float> original = values;
      for (std::size_t row = 0; row < 128; ++row)
        std::copy_n(original.begin() + static_cast<std::ptrdiff_t>(gguf_row(row, 32) * 128), 128,
                    values.begin() + static_cast<std::ptrdiff_t>(row * 128));
    }
  });
  for (const GgufType type : {GgufType::f32, GgufType::q8_0}) {
    look({}, export_to_gguf(other, type));
    expect_fault("gguf_weights", "permuted heads");
    expect_fault("gguf_weights", "blk.0.attn_q.weight, blk.0.attn_k.weight:");
  }
}

TEST_F(SickModel, GgufOfOtherWeights) {
  const std::string other = copy("other");
  edit_weights(other, [](Weights& weights) {
    for (float& value : weights.values["model.layers.0.mlp.up_proj.weight"]) value *= 1.3F;
  });
  for (const GgufType type : {GgufType::f32, GgufType::q4_0}) {
    look({}, export_to_gguf(other, type));
    expect_fault("gguf_weights", "blk.0.ffn_up.weight");
  }
}

TEST_F(SickModel, GgufWithOtherTokens) {
  const std::string other = copy("other");
  edit(other, "tokenizer.json", [](Json& json) { std::swap(json["model"]["vocab"]["!"], json["model"]["vocab"]["%"]); });
  look({}, export_to_gguf(other));
  expect_fault("gguf_tokens", "other tokens");
  expect_fault("gguf_tokens", "`!`");
}

TEST_F(SickModel, GgufThatCutsControlTokens) {
  const std::string other = copy("other");
  edit(other, "tokenizer.json", [](Json& json) { json["added_tokens"].erase(0); });
  edit(other, "tokenizer_config.json", [](Json& json) { json["pad_token"] = nullptr; });  // it declares the token too
  look({}, export_to_gguf(other));
  expect_fault("gguf_tokens", "control tokens are ordinary text in the file: `<|endoftext|>`");
}

TEST_F(SickModel, GgufWithAnotherTemplate) {
  const std::string other = copy("other");
  edit(other, "tokenizer_config.json", [](Json& json) { json["chat_template"] = ChatTemplate::named("smollm2").source(); });
  look({}, export_to_gguf(other));
  expect_fault("gguf_template", "another chat template");
  edit(other, "tokenizer_config.json", [](Json& json) { json.erase("chat_template"); });
  look({}, export_to_gguf(other));
  expect_fault("gguf_template", "no chat template");
}

TEST_F(SickModel, GgufWithOtherPositionsAndEps) {
  const std::string other = copy("other");
  edit(other, "config.json", [](Json& json) {
    json["rope_theta"] = 50000.0;
    json["rms_norm_eps"] = 1e-5;
  });
  look({}, export_to_gguf(other));
  expect_fault("gguf_config", "llama.rope.freq_base is 50000, not 10000");
  expect_fault("gguf_config", "layer_norm_rms_epsilon");
  edit(other, "config.json", [](Json& json) {
    json = read_json(join_path(lab(), "config.json"));
    json["max_position_embeddings"] = 256;
  });
  look({}, export_to_gguf(other));
  expect(FindingStatus::warning, "gguf_config", "context_length");
  expect_no_fault();
}

TEST_F(SickModel, DamagedGguf) {
  write_file_atomic(folder_.file("cut.gguf"), "GGUF");
  look({}, folder_.file("cut.gguf"));
  expect_fault("gguf", "cut.gguf");
  expect(FindingStatus::ok, "weights", "");
}

}  // namespace
}  // namespace iteralign
