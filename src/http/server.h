#pragma once
// An HTTP server on 127.0.0.1. The only file that knows cpp-httplib is server.cc.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace iteralign {

struct HttpAnswer {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers = {};
  std::optional<std::size_t> drop_after = {};  // the connection ends behind so many bytes of the body
};

// Gets the request's body. Called from many threads; must not throw.
using HttpHandler = std::function<HttpAnswer(const std::string& body)>;

struct HttpRoute {
  enum class Method { get, post };
  Method method = Method::get;
  std::string path;  // a regular expression
  HttpHandler handler;
};

struct HttpServerOptions {
  int port = 0;          // 0: a free one
  int connections = 64;  // served at once; a kept connection holds a thread
};

class HttpServer {
 public:
  // Serves from threads of its own until destruction. `other` makes the answer where there is no route, or the library refused the request
  // with this status. Throws Error usage when the port is taken.
  HttpServer(std::vector<HttpRoute> routes, std::function<HttpAnswer(int status)> other, HttpServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const;

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace iteralign
