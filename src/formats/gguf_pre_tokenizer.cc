#include "formats/gguf_pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "core/strings.h"
#include "iteralign/error.h"
#include "text/pre_tokenizer.h"

namespace iteralign {
namespace {

// Beside these expressions "digits" stands for every digit alone and "gpt2" for what ByteLevel cuts by.
constexpr const char *kDigits = "digits", *kGpt2 = "gpt2";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen35 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
                                R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                                R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                                R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kYoutu =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kYoutuScripts =
    R"([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\x{FF1A}\x{FF1B}\x{FF0C})"
    R"(\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr const char* kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kUfakzeka = R"([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kMinicpm5 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kExaoneMoe =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?)"
    R"(|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr const char* kJais2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S))"
    R"(|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})";
constexpr const char* kBloom = R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";
constexpr const char *kOneToThreeDigits = R"(\p{N}{1,3})", *kThreeDigits = "[0-9][0-9][0-9]";
constexpr const char *kLineBreak = "[\r\n]", *kLines = R"([^\n]+|[\n]+)";
constexpr const char* kDeepseek3Scripts = R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)";
constexpr const char* kDeepseek3 = R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)re"
                                   R"re(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr const char* kSpark = R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)re"
                               R"re(| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+)re";
constexpr const char* kDeepseekScripts = R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr const char* kDeepseekPunctuation = R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)";
constexpr const char* kDeepseekLetters =
    R"(\s?)"
    R"([A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-)"
    R"(\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-)"
    R"(\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA})"
    R"(\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-)"
    R"(\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-)"
    R"(\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-)"
    R"(\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128})"
    R"(\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-)"
    R"(\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F})"
    R"(\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-)"
    R"(\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0})"
    R"(-\x{118DF}\x{1E900}-\x{1E943}])"
    "+";

struct NamedPreTokenizer {
  const char* names;  // the best known first
  std::vector<const char*> cuts;
  bool ignore_merges = false, adds_bos = false;
};

const std::vector<NamedPreTokenizer>& entries() {
  static const std::vector<NamedPreTokenizer> table = {
      {"gpt-2 phi-2 olmo mpt jais trillion granite-docling gigachat a.x-4.0 mellum exaone4", {kGpt2}},
      {"starcoder refact command-r smollm codeshell exaone minerva-7b mellum2", {kDigits, kGpt2}},
      {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2", {kLlama3}, true, true},
      {"smaug-bpe dbrx chatglm-bpe", {kLlama3}},
      {"glm4 glm5", {kLlama3}, true},
      {"qwen2 stablelm2 deepseek-r1-qwen kormo f2llmv2 megrez hunyuan solar-open grok-2 bailingmoe bailingmoe2 llada-moe", {kQwen2}},
      {"qwen35", {kQwen35}},
      {"tekken", {kTekken}, true, true},
      {"gpt-4o llama4 kanana2 talkie minimax-m2", {kGpt4o}},
      {"deepseek-llm", {kLineBreak, kDeepseekLetters, kDeepseekPunctuation, R"(\s+$)", kDeepseekScripts, R"(\p{N}+)"}},
      {"deepseek-coder", {kLineBreak, R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepseekScripts, kDigits}},
      {"deepseek-v3 hunyuan-dense joyai-llm hy_v4", {kOneToThreeDigits, kDeepseek3Scripts, kDeepseek3}},
      {"seed-coder", {kSeedCoder}},
      {"falcon", {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, kThreeDigits}},
      {"default", {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)", kThreeDigits}},
      {"superbpe", {R"(\p{N}+)", R"((?=(\d{3})+(?!\d)))"}},
      {"tiny_aya cohere2moe", {R"(\d{1,3}(?=(?:\d{3})*\b))", kGpt4o}},
      {"minicpm5", {kOneToThreeDigits, kMinicpm5}, true},
      {"spark2_5", {kOneToThreeDigits, kDeepseek3Scripts, kSpark, kDigits}},
      {"youtu", {kYoutuScripts, kYoutu}, true},
      {"exaone-moe", {kExaoneMoe}},
      {"jais-2", {kJais2}},
      {"ufakzeka", {kUfakzeka}},
      {"laguna", {kLines, kQwen2}},
      {"viking", {kBloom, kDigits}},
      {"poro-chat bloom gpt3-finnish", {kBloom}},
  };
  return table;
}

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

// GPT-2's cut is left to ByteLevel where nothing comes after it, as in the published files.
Json pre_tokenizer_of(const NamedPreTokenizer& entry) {
  constexpr const char* kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  Json parts = Json::array();
  bool cut = false;
  for (const char* expression : entry.cuts) {
    cut = expression == kGpt2 && expression == entry.cuts.back();
    if (cut) continue;
    if (expression == kDigits) {
      parts.push_back({{"type", "Digits"}, {"individual_digits", true}});
    } else {
      const char* pattern = expression == kGpt2 ? kGpt2Pattern : expression;
      parts.push_back({{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
    }
  }
  if (parts.empty()) return byte_level(true);
  parts.push_back(byte_level(cut));
  return {{"type", "Sequence"}, {"pretokenizers", parts}};
}

// Short texts of characters of every class that the expressions tell apart.
std::vector<std::string> probes() {
  static constexpr std::array kAtoms = {
      "a",      "Z",      "s",          "T",      "'s",     "'LL",    "'re",    "'d",         "'",      " ",      "  ",     "\t",
      "\n",     "\r",     "\r\n",       "1",      "23",     "\uff12", "\u00bd", "!",          "/",      "_",      "$",      "<",
      "`",      "\u00e9", "\u0301",     "\u01c5", "\u02b0", "\u6f22", "\u3042", "\uac00",     "\u0939", "\u093f", "\u200b", "\u3000",
      "\u2019", "\u060c", "\U0001f600", "\u00a0", "\u2028", "\u216b", "\u05d0", "\U00010400", "|",      "(",      "\u2026", "\u3131"};
  std::mt19937_64 random(20240611);  // NOLINT(cert-msc51-cpp): the same texts each time
  std::vector<std::string> texts;
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::size_t atoms = 1 + random() % 9; atoms > 0; --atoms) text += kAtoms[random() % kAtoms.size()];
    texts.push_back(std::move(text));
  }
  return texts;
}

using Cuts = std::vector<std::vector<std::string>>;

std::vector<std::string> words_of(const PreTokenizer& pre_tokenizer, const std::string& text) {
  const Words cut = pre_tokenizer.apply(text, true);
  std::vector<std::string> words;
  for (const Range& word : cut.words) words.push_back(cut.text.substr(word.begin, word.end - word.begin));
  return words;
}

}  // namespace

GgufPreTokenizer gguf_pre_tokenizer(std::string_view name, const std::string& where) {
  std::vector<std::string> known;
  for (const NamedPreTokenizer& entry : entries()) {
    for (const std::string& candidate : split(entry.names, ' ')) {
      if (name == candidate) return {candidate, pre_tokenizer_of(entry), entry.ignore_merges, entry.adds_bos};
      known.push_back(candidate);
    }
  }
  throw Error(ErrorKind::data, fmt::format("the pre-tokenizer \"{}\" (tokenizer.ggml.pre) is not supported", name), where,
              "these are: " + join(known, ", "));
}

GgufPreTokenizerNames gguf_pre_tokenizer_names(const Json& pre_tokenizer, const std::string& where) {
  GgufPreTokenizerNames names;
  const PreTokenizer wanted(JsonPart(pre_tokenizer, where));
  if (!wanted.ends_in_byte_level()) return names;
  const std::vector<std::string> texts = probes();
  Cuts cuts;
  for (const std::string& text : texts) cuts.push_back(words_of(wanted, text));
  for (const NamedPreTokenizer& entry : entries()) {
    const PreTokenizer candidate(JsonPart(pre_tokenizer_of(entry), where));
    bool equal = true;
    for (std::size_t i = 0; equal && i < texts.size(); ++i) equal = words_of(candidate, texts[i]) == cuts[i];
    if (equal) (entry.ignore_merges ? names.ignoring_merges : names.merging).push_back(split(entry.names, ' ').front());
  }
  return names;
}

}  // namespace iteralign
