#include "offline/loopback_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "core/hash.h"
#include "core/json.h"
#include "core/strings.h"
#include "http/server.h"
#include "offline/request_log.h"
#include "protocol/chat_reply.h"
#include "protocol/chat_request.h"

namespace iteralign {
namespace {

HttpAnswer error_answer(const ChatError& error) { return {.status = error.status, .body = dump_json(to_json(error))}; }

int count_tokens(const std::string& text) { return static_cast<int>(words(text).size()); }

int count_tokens(const Messages& messages) {
  int count = 0;
  for (const Message& message : messages) count += count_tokens(message.content);
  return count;
}

}  // namespace

class LoopbackServer::Service {
 public:
  Service(ChatHandler handler, LoopbackOptions options)
      : handler_(std::move(handler)), options_(std::move(options)), log_(options_.request_log) {
    check_misbehaviour(options_.misbehaviour);
    using Method = HttpRoute::Method;
    server_.emplace(
        std::vector<HttpRoute>{{Method::get, "/health", [](const std::string&) { return HttpAnswer{.body = R"({"status":"ok"})"}; }},
                               {Method::get, "/v1/models", [this](const std::string&) { return models(); }},
                               {Method::post, "/v1/chat/completions", [this](const std::string& body) { return chat(body); }}},
        [](int status) { return error_answer({.status = status, .message = "no such address"}); },
        HttpServerOptions{.port = options_.port, .connections = options_.connections});
  }

  ~Service() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] int port() const { return server_->port(); }
  [[nodiscard]] std::int64_t requests() const { return requests_; }

 private:
  HttpAnswer models() const {
    const Json model = {{"id", options_.model}, {"object", "model"}, {"created", 0}, {"owned_by", "iteralign"}};
    return {.body = dump_json({{"object", "list"}, {"data", Json::array({model})}})};
  }

  HttpAnswer chat(const std::string& body) {
    const std::int64_t number = ++requests_;
    const std::uint64_t body_hash = hash64(body);
    std::string fault;
    {
      const std::lock_guard lock(mutex_);
      const int asked_before = asked_[body_hash]++;
      fault = fault_of(options_.misbehaviour, body_hash, asked_before);
      log_.add(body_hash, asked_before + 1, fault);
    }
    const auto read = read_chat_request(body);
    if (const auto* error = std::get_if<ChatError>(&read)) return error_answer(*error);
    const auto& request = std::get<ChatRequest>(read);
    if (request.format != ReplyFormat::text && refuses_schema())
      return error_answer({.message = "response_format is not supported by this server", .param = "response_format"});
    try {
      return answer(request, fault, body_hash, number);
    } catch (const std::exception& error) {  // the edge of a thread
      return error_answer({.status = 500, .message = error.what(), .type = "server_error"});
    }
  }

  [[nodiscard]] bool refuses_schema() const {
    const auto& kinds = options_.misbehaviour.kinds;
    return std::find(kinds.begin(), kinds.end(), "no_schema") != kinds.end();
  }

  HttpAnswer answer(const ChatRequest& request, const std::string& fault, std::uint64_t body_hash, std::int64_t number) {
    if (fault == "http_429") {
      HttpAnswer busy = error_answer({.status = 429, .message = "too many requests", .type = "requests", .code = "rate_limit_exceeded"});
      busy.headers["Retry-After"] = "0.05";
      return busy;
    }
    if (fault == "http_500") return error_answer({.status = 500, .message = "the server had an error", .type = "server_error"});
    if (fault == "garbage") return {.body = "<html><body>Bad gateway</body></html>", .content_type = "text/html"};
    if (fault == "slow") wait_slowly();

    const ChatReply reply = reply_to(request, fault, body_hash);
    HttpAnswer whole{.body = dump_json(to_json(reply, request.model.empty() ? options_.model : request.model, number))};
    if (fault == "truncated_json") whole.body.resize(whole.body.size() / 2);
    if (fault == "drop") whole.drop_after = whole.body.size() / 2;
    return whole;
  }

  ChatReply reply_to(const ChatRequest& request, const std::string& fault, std::uint64_t body_hash) {
    ChatReply reply{.text = handler_(request.messages, request.schema_name)};
    if (fault == "wrong_verdict" || turns_verdict(options_.misbehaviour, body_hash)) reply.text = turned_verdict(reply.text);
    if (fault == "nonsense") reply.text = "Well, that depends on what you mean, and on the weather.";
    if (fault == "length") {
      reply.finish = ChatFinish::length;
      reply.text.resize(reply.text.size() / 2);
    }
    if (fault == "filtered") reply = {.finish = ChatFinish::content_filter};
    if (fault == "refusal") reply = {.finish = ChatFinish::refusal, .text = "I'm sorry, but I cannot assist with that request."};
    reply.prompt_tokens = count_tokens(request.messages);
    reply.completion_tokens = count_tokens(reply.text);
    return reply;
  }

  void wait_slowly() {
    std::unique_lock lock(mutex_);
    stop_.wait_for(lock, std::chrono::duration<double>(options_.misbehaviour.slow_s), [this] { return stopping_; });
  }

  ChatHandler handler_;
  LoopbackOptions options_;
  std::atomic<std::int64_t> requests_{0};

  std::mutex mutex_;  // of what follows
  std::condition_variable stop_;
  bool stopping_ = false;
  std::map<std::uint64_t, int> asked_;
  RequestLog log_;

  std::optional<HttpServer> server_;  // the last to be made, the first to end: its threads use all others
};

LoopbackServer::LoopbackServer(ChatHandler handler, LoopbackOptions options)
    : service_(std::make_unique<Service>(std::move(handler), std::move(options))) {}
LoopbackServer::~LoopbackServer() = default;

int LoopbackServer::port() const { return service_->port(); }
std::string LoopbackServer::base_url() const { return fmt::format("http://127.0.0.1:{}/v1", port()); }
std::int64_t LoopbackServer::requests() const { return service_->requests(); }

}  // namespace iteralign
