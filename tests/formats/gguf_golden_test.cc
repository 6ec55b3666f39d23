// Published vocabularies as GGUF files, and the ids that their publishers say.
#include <gtest/gtest.h>

#include <sstream>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "formats/gguf_tokenizer.h"
#include "shared_data.h"
#include "text/tokenizer.h"

namespace iteralign {
namespace {

using Ids = std::vector<TokenId>;

Tokenizer imported(const std::string& path) {
  const GgufTokenizer made = read_gguf_tokenizer(GgufFile(path));
  return Tokenizer::from_json(made.tokenizer, made.tokenizer_config, path);
}

std::string llama_cpp(const std::string& name) { return shared_data("tokenizers/llama_cpp_vocab/ggml-vocab-" + name + ".gguf"); }
std::string llama_cpp_2026(const std::string& name) { return shared_data("tokenizers/llama_cpp_vocab_2026/ggml-vocab-" + name + ".gguf"); }
std::string swift(const std::string& name) { return shared_data("tokenizers/goldens_swift_transformers/" + name); }

struct Published {
  std::string name, vocabulary, texts;  // texts: files .inp and .out
  friend void PrintTo(const Published& published, std::ostream* out) { *out << published.name; }
};

class LlamaCppGoldens : public testing::TestWithParam<Published> {};

// llama.cpp's own: strings with a line between them, and a line of ids for each, no special tokens in them.
TEST_P(LlamaCppGoldens, AreEqual) {
  SKIP_WITHOUT(GetParam().vocabulary);
  SKIP_WITHOUT(GetParam().texts + ".inp");
  const std::string separator = "\n__ggml_vocab_test__\n";
  const Tokenizer tokenizer = imported(GetParam().vocabulary);
  std::string texts = read_file(GetParam().texts + ".inp");
  std::istringstream lines(read_file(GetParam().texts + ".out"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::size_t end = texts.find(separator);
    ASSERT_NE(end, std::string::npos);
    const std::string text = texts.substr(0, end);
    texts.erase(0, end + separator.size());
    std::istringstream numbers(line);
    const Ids wanted{std::istream_iterator<TokenId>(numbers), std::istream_iterator<TokenId>()};
    EXPECT_EQ(tokenizer.encode_plain(text), wanted) << GetParam().name << ": '" << text << "'";
  }
  EXPECT_GE(count, 40);
}

INSTANTIATE_TEST_SUITE_P(Published, LlamaCppGoldens,
                         testing::Values(Published{"llama_spm", llama_cpp("llama-spm"), llama_cpp("llama-spm")},
                                         Published{"phi_3", llama_cpp("phi-3"), llama_cpp("phi-3")},
                                         Published{"llama_bpe", llama_cpp_2026("llama-bpe"), llama_cpp("llama-bpe")},
                                         Published{"llama_bpe_2026", llama_cpp_2026("llama-bpe"), llama_cpp_2026("llama-bpe")},
                                         Published{"qwen2", llama_cpp_2026("qwen2"), llama_cpp("qwen2")},
                                         Published{"qwen2_2026", llama_cpp_2026("qwen2"), llama_cpp_2026("qwen2")},
                                         Published{"deepseek_r1_qwen", llama_cpp_2026("qwen2"), llama_cpp("deepseek-r1-qwen")},
                                         Published{"deepseek_llm", llama_cpp("deepseek-llm"), llama_cpp("deepseek-llm")},
                                         Published{"deepseek_coder", llama_cpp("deepseek-coder"), llama_cpp("deepseek-coder")},
                                         Published{"gpt_2", llama_cpp("gpt-2"), llama_cpp("gpt-2")},
                                         Published{"mpt", llama_cpp("mpt"), llama_cpp("mpt")},
                                         Published{"starcoder", llama_cpp("starcoder"), llama_cpp("starcoder")},
                                         Published{"refact", llama_cpp("refact"), llama_cpp("refact")},
                                         Published{"falcon", llama_cpp("falcon"), llama_cpp("falcon")}),
                         [](const auto& info) { return info.param.name; });

class SwiftGoldens : public testing::TestWithParam<Published> {};

// A paragraph each, and some twenty hard strings by model, with BOS where the model has it. `texts`: file, or the model's name.
TEST_P(SwiftGoldens, AreEqual) {
  SKIP_WITHOUT(GetParam().vocabulary);
  SKIP_WITHOUT(swift("tokenizer_tests.json"));
  const Tokenizer tokenizer = imported(GetParam().vocabulary);
  if (GetParam().texts.ends_with(".json")) {
    const Json golden = read_json(swift(GetParam().texts));
    EXPECT_EQ(tokenizer.encode(golden["text"].get<std::string>(), true), golden["token_ids"].get<Ids>());
    return;
  }
  const Json goldens = read_json(swift("tokenizer_tests.json"));
  ASSERT_GE(goldens[GetParam().texts].size(), 18U);
  for (const Json& golden : goldens[GetParam().texts]) {
    const std::string text = golden["input"];
    const Ids wanted = golden["encoded"]["input_ids"];
    EXPECT_EQ(tokenizer.encode(text, true), wanted) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Published, SwiftGoldens,
                         testing::Values(Published{"llama_paragraph", llama_cpp("llama-spm"), "llama_encoded.json"},
                                         Published{"llama_2", llama_cpp("llama-spm"), "coreml-projects/Llama-2-7b-chat-coreml"},
                                         Published{"llama_3_2_paragraph", llama_cpp_2026("llama-bpe"), "llama_3.2_encoded.json"},
                                         Published{"llama_3_2", llama_cpp_2026("llama-bpe"), "pcuenq/Llama-3.2-1B-Instruct-tokenizer"},
                                         Published{"gpt_2_paragraph", llama_cpp("gpt-2"), "gpt2_encoded_tokens.json"},
                                         Published{"gpt_2", llama_cpp("gpt-2"), "distilgpt2"},
                                         Published{"falcon_paragraph", llama_cpp("falcon"), "falcon_encoded.json"},
                                         Published{"falcon", llama_cpp("falcon"), "tiiuae/falcon-7b"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace iteralign
