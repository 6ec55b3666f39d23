#include "offline/loopback_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "core/hash.h"
#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "offline/request_log.h"

namespace iteralign {
namespace {

constexpr const char* kJson = "application/json";
constexpr std::size_t kMaxBodyBytes = 64U << 20;

struct ChatRequest {
  Messages messages;
  std::string schema_name, model;
  bool has_response_format = false;
};

void set_error(httplib::Response& response, int status, const std::string& message, const std::string& type, const Json& code = nullptr,
               const Json& param = nullptr) {
  response.status = status;
  response.set_content(dump_json({{"error", {{"message", message}, {"type", type}, {"param", param}, {"code", code}}}}), kJson);
}

// Nothing, and an error in `response`, when the body is no chat request.
std::optional<ChatRequest> read_request(const std::string& body, httplib::Response& response) {
  const Json value = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto invalid = [&](const char* message, const Json& param) {
    set_error(response, 400, message, "invalid_request_error", nullptr, param);
    return std::nullopt;
  };
  if (!value.is_object()) return invalid("the body is not a JSON object", nullptr);
  if (!value.contains("messages") || !value["messages"].is_array() || value["messages"].empty())
    return invalid("messages must be a list that is not empty", "messages");
  ChatRequest request;
  for (const auto& message : value["messages"]) {
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string() || !message.contains("content") ||
        !message["content"].is_string())
      return invalid("a message needs role and content as text", "messages");
    request.messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  if (value.contains("model") && value["model"].is_string()) request.model = value["model"].get<std::string>();
  if (value.contains("response_format") && value["response_format"].is_object()) {
    request.has_response_format = true;
    const auto name = Json::json_pointer("/json_schema/name");
    const Json& format = value["response_format"];
    if (format.contains(name) && format[name].is_string()) request.schema_name = format[name].get<std::string>();
  }
  return request;
}

int count_tokens(const std::string& text) { return static_cast<int>(words(text).size()); }

// content null and a refusal when `refusal` is set.
Json completion(const ChatRequest& request, const std::string& content, const std::string& finish_reason, bool refusal,
                std::int64_t number) {
  int prompt_tokens = 0;
  for (const auto& message : request.messages) prompt_tokens += count_tokens(message.content);
  const int completion_tokens = count_tokens(content);
  const Json message = {
      {"role", "assistant"}, {"content", refusal ? Json(nullptr) : Json(content)}, {"refusal", refusal ? Json(content) : Json(nullptr)}};
  return {
      {"id", fmt::format("chatcmpl-{}", number)},
      {"object", "chat.completion"},
      {"created", std::time(nullptr)},
      {"model", request.model},
      {"choices", Json::array({{{"index", 0}, {"message", message}, {"finish_reason", finish_reason}, {"logprobs", nullptr}}})},
      {"usage",
       {{"prompt_tokens", prompt_tokens}, {"completion_tokens", completion_tokens}, {"total_tokens", prompt_tokens + completion_tokens}}}};
}

// Half of the body is sent, then the connection ends.
void drop_inside(httplib::Response& response, const std::string& body) {
  response.set_content_provider(body.size(), kJson, [body](std::size_t offset, std::size_t, httplib::DataSink& sink) {
    if (offset > 0) return false;
    return sink.write(body.data(), body.size() / 2);
  });
}

}  // namespace

class LoopbackServer::Service {
 public:
  Service(ChatHandler handler, LoopbackOptions options)
      : handler_(std::move(handler)), options_(std::move(options)), log_(options_.request_log) {
    check_misbehaviour(options_.misbehaviour);
    set_up();
    if (options_.port == 0) {
      port_ = server_.bind_to_any_port("127.0.0.1");
    } else if (server_.bind_to_port("127.0.0.1", options_.port)) {
      port_ = options_.port;
    }
    if (port_ <= 0)
      throw Error(ErrorKind::usage, fmt::format("port {} of 127.0.0.1 cannot be used", options_.port), "", "another program may have it");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // stop() does nothing to a server that does not run yet.
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  ~Service() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_all();
    server_.stop();
    thread_.join();
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::int64_t requests() const { return requests_; }

 private:
  void set_up() {
    server_.new_task_queue = [this] { return new httplib::ThreadPool(static_cast<std::size_t>(options_.connections)); };
    // One owner a port: the library's default would let two servers share it.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(1U << 30);
    server_.set_keep_alive_timeout(1);  // seconds; stopping waits for it
    server_.set_payload_max_length(kMaxBodyBytes);
    server_.Get("/health", [](const httplib::Request&, httplib::Response& response) { response.set_content(R"({"status":"ok"})", kJson); });
    server_.Get("/v1/models", [this](const httplib::Request&, httplib::Response& response) {
      const Json model = {{"id", options_.model}, {"object", "model"}, {"created", 0}, {"owned_by", "iteralign"}};
      response.set_content(dump_json({{"object", "list"}, {"data", Json::array({model})}}), kJson);
    });
    server_.Post("/v1/chat/completions",
                 [this](const httplib::Request& request, httplib::Response& response) { chat(request.body, response); });
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) set_error(response, response.status, "no such address", "invalid_request_error");
    });
  }

  void chat(const std::string& body, httplib::Response& response) {
    const std::int64_t number = ++requests_;
    const std::uint64_t body_hash = hash64(body);
    int asked_before = 0;
    std::string fault;
    {
      const std::lock_guard lock(mutex_);
      asked_before = asked_[body_hash]++;
      fault = fault_of(options_.misbehaviour, body_hash, asked_before);
      log_.add(body_hash, asked_before + 1, fault);
    }
    auto request = read_request(body, response);
    if (!request) return;
    if (request->model.empty()) request->model = options_.model;
    if (request->has_response_format && refuses_schema()) {
      set_error(response, 400, "response_format is not supported by this server", "invalid_request_error", nullptr, "response_format");
      return;
    }
    try {
      answer(*request, fault, body_hash, number, response);
    } catch (const std::exception& error) {  // the edge of a thread
      set_error(response, 500, error.what(), "server_error");
    }
  }

  [[nodiscard]] bool refuses_schema() const {
    const auto& kinds = options_.misbehaviour.kinds;
    return std::find(kinds.begin(), kinds.end(), "no_schema") != kinds.end();
  }

  void answer(const ChatRequest& request, const std::string& fault, std::uint64_t body_hash, std::int64_t number,
              httplib::Response& response) {
    if (fault == "http_429") {
      response.set_header("Retry-After", "0.05");
      return set_error(response, 429, "too many requests", "requests", "rate_limit_exceeded");
    }
    if (fault == "http_500") return set_error(response, 500, "the server had an error", "server_error");
    if (fault == "garbage") return response.set_content("<html><body>Bad gateway</body></html>", "text/html");
    if (fault == "slow") wait_slowly();

    std::string content = handler_(request.messages, request.schema_name);
    if (fault == "wrong_verdict" || turns_verdict(options_.misbehaviour, body_hash)) content = turned_verdict(content);
    if (fault == "nonsense") content = "Well, that depends on what you mean, and on the weather.";
    std::string finish_reason = "stop";
    if (fault == "length") {
      finish_reason = "length";
      content.resize(content.size() / 2);
    }
    if (fault == "filtered") {
      finish_reason = "content_filter";
      content.clear();
    }
    if (fault == "refusal") content = "I'm sorry, but I cannot assist with that request.";
    const std::string reply = dump_json(completion(request, content, finish_reason, fault == "refusal", number));
    if (fault == "truncated_json") return response.set_content(reply.substr(0, reply.size() / 2), kJson);
    if (fault == "drop") return drop_inside(response, reply);
    response.set_content(reply, kJson);
  }

  void wait_slowly() {
    std::unique_lock lock(mutex_);
    stop_.wait_for(lock, std::chrono::duration<double>(options_.misbehaviour.slow_s), [this] { return stopping_; });
  }

  ChatHandler handler_;
  LoopbackOptions options_;
  int port_ = 0;
  std::atomic<std::int64_t> requests_{0};

  std::mutex mutex_;  // of what follows
  std::condition_variable stop_;
  bool stopping_ = false;
  std::map<std::uint64_t, int> asked_;
  RequestLog log_;

  httplib::Server server_;
  std::thread thread_;
};

LoopbackServer::LoopbackServer(ChatHandler handler, LoopbackOptions options)
    : service_(std::make_unique<Service>(std::move(handler), std::move(options))) {}
LoopbackServer::~LoopbackServer() = default;

int LoopbackServer::port() const { return service_->port(); }
std::string LoopbackServer::base_url() const { return fmt::format("http://127.0.0.1:{}/v1", port()); }
std::int64_t LoopbackServer::requests() const { return service_->requests(); }

}  // namespace iteralign
