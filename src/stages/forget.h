#pragma once
// Which kept replies of a run are of no use. Once they are forgotten the run asks again where it still needs them.

#include <string>

#include "iteralign/oracle.h"

namespace iteralign {

// The reply to a request (its body as JSON) gave no verdict, principles or twins: empty, unreadable, cut, refused, filtered.
bool gave_nothing(const std::string& request_json, const OracleReply& reply);

// The question or the answer holds the text.
bool holds_text(const std::string& request_json, const OracleReply& reply, const std::string& text);

}  // namespace iteralign
