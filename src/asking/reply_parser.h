#pragma once
// Reading the oracle's replies: the JSON in them, and the prose around it.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "asking/reply_value.h"
#include "iteralign/oracle.h"

namespace iteralign {

struct Reading {
  std::vector<ReplyValue> values;  // objects and lists, in order
  std::string prose;               // what stands outside of them
};

// A reply that is JSON is read as it stands. In every other one thinking (<think>...</think> and its kin) is left out, of channels the
// final one is read, and JSON inside of a JSON text is taken for itself.
Reading read_reply(std::string_view reply);

// The items of a list that was asked for under `key` ("principles"): of the object that has it, of a bare list, or one object a line that
// has `item_key` ("text"). Nothing when there is none, or when the reply has several lists that differ.
std::vector<ReplyValue> reply_items(std::string_view reply, std::string_view key, std::string_view item_key);

// The member of an object, its name compared without case; null when there is none.
const ReplyValue* member(const ReplyValue& object, std::string_view key);
// Its whole text, white space at both ends aside; empty when there is none, when it is no text, and when it is cut.
std::string member_text(const ReplyValue& object, std::string_view key);
// The first of these that is not empty; of an item that is a text itself, that.
std::string first_text(const ReplyValue& item, std::initializer_list<std::string_view> keys);

// The numbers from 1 to `count` that an item gives under "cases" or "case", as numbers, as text or as labels: [1, "2", 3.0, "CASE 4"],
// "1, 4"; else in its own key ({"CASE 1": ...}). What is no such number is left out. Where one case was shown, an item that names none is
// of that one.
std::vector<int> case_numbers(const ReplyValue& item, int count);

// Asks; what cannot be used is asked for once more.
template <class Usable>
OracleReply ask_usable(Oracle& oracle, OracleRequest request, const Usable& usable) {
  OracleReply reply = oracle.complete(request);
  if (reply.status != ReplyStatus::answered || usable(reply)) return reply;
  request.again = true;
  return oracle.complete(request);
}

}  // namespace iteralign
