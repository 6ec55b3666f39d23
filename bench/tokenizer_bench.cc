// Our side of bench/tokenizer.py: reads texts from stdin (a JSON array of strings), encodes each of them on one thread and
// prints the seconds (without loading and reading), the number of ids and a sum over them.
//   iteralign_bench_tokenizer FOLDER < texts.json
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <iterator>

#include "core/json.h"
#include "text/tokenizer.h"

int main(int argc, char** argv) {
  using namespace iteralign;
  if (argc != 2) return std::fprintf(stderr, "usage: %s FOLDER < texts.json\n", argv[0]), 2;
  try {
    const auto texts = parse_json(std::string(std::istreambuf_iterator<char>(std::cin), {}), "stdin").get<std::vector<std::string>>();
    const auto tokenizer = Tokenizer::from_folder(argv[1]);
    static_cast<void>(tokenizer.encode(texts.at(0), true));  // warm

    std::vector<std::vector<TokenId>> all;
    all.reserve(texts.size());
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& text : texts) all.push_back(tokenizer.encode(text, true));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::uint64_t count = 0, sum = 0;
    for (const auto& ids : all) {
      count += ids.size();
      for (const TokenId id : ids) sum += static_cast<std::uint64_t>(id);
    }
    std::puts(dump_json({{"seconds", seconds}, {"tokens", count}, {"sum", sum}}).c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "%s\n", error.what()), 1;
  }
}
