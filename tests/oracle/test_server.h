#pragma once
// A real HTTP server on a free port of 127.0.0.1 that does what a test says.

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/json.h"
#include "oracle/openai_oracle.h"

namespace iteralign {

inline std::string chat_reply(const std::string& content, const std::string& finish_reason = "stop") {
  return dump_json(
      {{"id", "x"},
       {"object", "chat.completion"},
       {"choices",
        Json::array({{{"index", 0}, {"message", {{"role", "assistant"}, {"content", content}}}, {"finish_reason", finish_reason}}})},
       {"usage", {{"prompt_tokens", 10}, {"completion_tokens", 5}, {"total_tokens", 15}}}});
}

class TestServer {
 public:
  // Called with the number of the request, from 1; many at once.
  using Handler = std::function<void(int number, const httplib::Request&, httplib::Response&)>;

  explicit TestServer(Handler handler) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(32); };
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(100000);
    server_.set_keep_alive_timeout(1);
    server_.Post(".*", [this, handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
      {
        const std::lock_guard lock(mutex_);
        bodies_.push_back(Json::parse(request.body));
        authorization_ = request.get_header_value("Authorization");
      }
      handler(++requests_, request, response);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~TestServer() {
    server_.stop();
    thread_.join();
  }

  int requests() const { return requests_; }
  Json body(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return bodies_.at(index);
  }
  std::string authorization() {
    const std::lock_guard lock(mutex_);
    return authorization_;
  }
  std::string base_url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

  // Without waits worth noticing.
  OracleOptions options() const {
    OracleOptions options;
    options.base_url = base_url();
    options.model = "test-model";
    options.api_key_env = "";
    options.retry_base_s = 0.001;
    return options;
  }

 private:
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::vector<Json> bodies_;
  std::string authorization_;
};

inline void send(httplib::Response& response, int status, const std::string& body, const char* type = "application/json") {
  response.status = status;
  response.set_content(body, type);
}
inline void send_error(httplib::Response& response, int status, const std::string& message, const std::string& code = "") {
  send(response, status, dump_json({{"error", {{"message", message}, {"type", "error"}, {"param", nullptr}, {"code", code}}}}));
}

// Fails `times` times, then answers "ok".
inline TestServer::Handler failing(int times, std::function<void(httplib::Response&)> fail) {
  return [times, fail = std::move(fail)](int number, const httplib::Request&, httplib::Response& response) {
    number <= times ? fail(response) : send(response, 200, chat_reply("ok"));
  };
}

template <class Work>
void in_threads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
}

inline OracleRequest question(const std::string& text) {
  OracleRequest request;
  request.messages = {{"system", "Answer with JSON."}, {"user", text}};
  request.schema_name = "verdict";
  request.schema = R"({"type":"object"})";
  return request;
}

class MemoryCache : public ReplyCache {
 public:
  std::optional<OracleReply> find(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(key);
    if (found == kept_.end()) return {};
    return found->second;
  }
  void keep(const std::string& key, const std::string& request_json, const OracleReply& reply) override {
    const std::lock_guard lock(mutex_);
    kept_[key] = reply;
    text_ += key + request_json + reply.text;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, OracleReply> kept_;
  std::string text_;
};

// The Error that a call throws; the test fails when there is none.
template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error";
  return Error(ErrorKind::failed, "none");
}

}  // namespace iteralign
