#include "data/dataset_formats.h"

#include <algorithm>
#include <utility>

#include "core/json.h"
#include "data/dialogue.h"

namespace iteralign {
namespace {

bool is_array(DatasetFormat format) { return format == DatasetFormat::sharegpt || format == DatasetFormat::alpaca; }

Json answer_json(const std::string& text) { return messages_json({{"assistant", text}}); }

Messages dialogue(const SftPair& pair) {
  Messages messages = pair.messages;
  messages.push_back({"assistant", pair.completion});
  return messages;
}

Json with_origin(Json record, const SftPair& pair) {
  record["iteration"] = pair.iteration;
  record["kind"] = name(pair.kind);
  record["prompt_id"] = pair.prompt_id;
  return record;
}

// FastChat knows no system turns: the system message stands in front of the first human turn.
Json sharegpt_json(const SftPair& pair) {
  Json turns = Json::array();
  std::string before;
  for (const Message& message : dialogue(pair)) {
    if (message.role == "system") {
      before += message.content + "\n\n";
      continue;
    }
    turns.push_back({{"from", message.role == "assistant" ? "gpt" : "human"}, {"value", std::exchange(before, "") + message.content}});
  }
  return {{"id", pair.prompt_id}, {"conversations", std::move(turns)}};
}

Json alpaca_json(const SftPair& pair) {
  Json record = {{"instruction", pair.messages.empty() ? "" : pair.messages.back().content}, {"input", ""}, {"output", pair.completion}};
  Json history = Json::array();
  for (std::size_t i = 0; i + 1 < pair.messages.size(); ++i) {
    const Message& message = pair.messages[i];
    if (message.role == "system") record["system"] = message.content;
    if (message.role == "user") history.push_back({message.content, ""});
    if (message.role == "assistant" && !history.empty()) history.back()[1] = message.content;
  }
  if (!history.empty()) record["history"] = std::move(history);
  return record;
}

Json record_json(DatasetFormat format, const SftPair& pair) {
  switch (format) {
    case DatasetFormat::messages: {
      Json record = with_origin({{"messages", messages_json(dialogue(pair))}}, pair);
      record["complete"] = pair.complete;
      return record;
    }
    case DatasetFormat::prompt_completion: {
      Json record = with_origin({{"prompt", messages_json(pair.messages)}, {"completion", answer_json(pair.completion)}}, pair);
      record["complete"] = pair.complete;
      return record;
    }
    case DatasetFormat::preference:
      return with_origin(
          {{"prompt", messages_json(pair.messages)}, {"chosen", answer_json(pair.completion)}, {"rejected", answer_json(pair.rejected)}},
          pair);
    case DatasetFormat::sharegpt:
      return sharegpt_json(pair);
    case DatasetFormat::alpaca:
      return alpaca_json(pair);
  }
  return {};
}

bool belongs(DatasetFormat format, const SftPair& pair) { return format != DatasetFormat::preference || !pair.rejected.empty(); }

}  // namespace

const char* dataset_file_name(DatasetFormat format) { return is_array(format) ? "train.json" : "train.jsonl"; }

std::string dataset_text(DatasetFormat format, const std::vector<SftPair>& pairs) {
  Json list = Json::array();
  std::string lines;
  for (const SftPair& pair : pairs) {
    if (!belongs(format, pair)) continue;
    Json record = record_json(format, pair);
    if (is_array(format))
      list.push_back(std::move(record));
    else
      lines += dump_json(record) + "\n";
  }
  return is_array(format) ? dump_json_pretty(list) + "\n" : lines;
}

int dataset_size(DatasetFormat format, const std::vector<SftPair>& pairs) {
  return static_cast<int>(std::ranges::count_if(pairs, [&](const SftPair& pair) { return belongs(format, pair); }));
}

}  // namespace iteralign
