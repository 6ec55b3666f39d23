#pragma once
// An error in the protocol's own form, as a server of ours says it. What other servers say is read by server_error.h. Pure.

#include <string>

#include "core/json.h"

namespace iteralign {

struct ChatError {
  int status = 400;  // of the HTTP reply
  std::string message;
  std::string type = "invalid_request_error";
  std::string code = {}, param = {};  // empty: null
};

Json to_json(const ChatError& error);

}  // namespace iteralign
