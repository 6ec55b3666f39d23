#include "http/server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <thread>
#include <utility>

#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kLongestBody = 64U << 20;

// A part of the body is sent, then the connection ends.
void drop_inside(const HttpAnswer& answer, httplib::Response& response) {
  response.set_content_provider(answer.body.size(), answer.content_type,
                                [body = answer.body, sent = *answer.drop_after](std::size_t offset, std::size_t, httplib::DataSink& sink) {
                                  if (offset > 0) return false;
                                  return sink.write(body.data(), sent);
                                });
}

void send(const HttpAnswer& answer, httplib::Response& response) {
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  if (answer.drop_after) return drop_inside(answer, response);
  response.set_content(answer.body, answer.content_type);
}

}  // namespace

class HttpServer::Service {
 public:
  Service(std::vector<HttpRoute> routes, std::function<HttpAnswer(int)> other, HttpServerOptions options) : options_(options) {
    set_up();
    for (HttpRoute& route : routes) add(std::move(route));
    server_.set_error_handler([other = std::move(other)](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty()) send(other(response.status), response);
    });
    start();
  }

  ~Service() {
    server_.stop();
    thread_.join();
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] int port() const { return port_; }

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
    server_.set_payload_max_length(kLongestBody);
  }

  void add(HttpRoute route) {
    const auto handle = [handler = std::move(route.handler)](const httplib::Request& request, httplib::Response& response) {
      send(handler(request.body), response);
    };
    if (route.method == HttpRoute::Method::get)
      server_.Get(route.path, handle);
    else
      server_.Post(route.path, handle);
  }

  void start() {
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

  HttpServerOptions options_;
  int port_ = 0;
  httplib::Server server_;
  std::thread thread_;
};

HttpServer::HttpServer(std::vector<HttpRoute> routes, std::function<HttpAnswer(int status)> other, HttpServerOptions options)
    : service_(std::make_unique<Service>(std::move(routes), std::move(other), options)) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return service_->port(); }

}  // namespace iteralign
