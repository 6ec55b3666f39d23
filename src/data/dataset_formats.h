#pragma once
// The pairs of a run as data sets that other trainers read: TRL, axolotl, LLaMA-Factory, FastChat.

#include <string>
#include <vector>

#include "iteralign/enum_names.h"
#include "iteralign/records.h"

namespace iteralign {

enum class DatasetFormat {
  messages,           // JSON Lines {"messages": [...]}; the last message is the completion
  prompt_completion,  // JSON Lines {"prompt": messages, "completion": [answer]} (TRL)
  preference,         // JSON Lines {"prompt": messages, "chosen": [answer], "rejected": [answer]} (TRL)
  sharegpt,           // a JSON array of {"id", "conversations": [{"from": "human" or "gpt", "value"}]} (FastChat)
  alpaca,             // a JSON array of {"instruction", "input", "output"}, with "system" and "history" where there are any (LLaMA-Factory)
};

template <>
inline constexpr std::array<const char*, 5> kNames<DatasetFormat> = {"messages", "prompt-completion", "preference", "sharegpt", "alpaca"};

// "train.json" for the arrays, else "train.jsonl".
const char* dataset_file_name(DatasetFormat format);

// The format as the text of a file, one record a pair; `preference` has only the pairs that have a rejected answer. JSON Lines have
// "iteration", "kind", "prompt_id" and, where there is one answer, "complete" as well (false: cut by a length limit); other tools
// ignore them.
std::string dataset_text(DatasetFormat format, const std::vector<SftPair>& pairs);

// The number of records in that text.
int dataset_size(DatasetFormat format, const std::vector<SftPair>& pairs);

}  // namespace iteralign
