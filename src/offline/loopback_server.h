#pragma once
// A chat-completions server on 127.0.0.1 in the OpenAI protocol: POST /v1/chat/completions, GET /v1/models, GET /health.
// It serves the embedded oracles, so that they go through the same client, prompts and parsers as any other.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "iteralign/records.h"
#include "offline/misbehaviour.h"

namespace iteralign {

// Gives the content of the answer. `schema_name` is empty when the request names no JSON schema. Called from many threads.
using ChatHandler = std::function<std::string(const Messages& messages, const std::string& schema_name)>;

struct LoopbackOptions {
  std::string model;        // the name in replies
  int port = 0;             // 0: a free one
  int connections = 64;     // served at once; a kept connection holds a thread
  std::string request_log;  // file that a RequestLog is kept in; empty: none
  Misbehaviour misbehaviour;
};

class LoopbackServer {
 public:
  // Serves from threads of its own until destruction. Throws Error usage when the port is taken or the misbehaviour is unknown,
  // failed when the log cannot be written.
  LoopbackServer(ChatHandler handler, LoopbackOptions options);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string base_url() const;  // "http://127.0.0.1:43210/v1"
  [[nodiscard]] std::int64_t requests() const;

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace iteralign
