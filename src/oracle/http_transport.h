#pragma once
// HTTP POST over libcurl: connections are kept and used again. The only file that knows libcurl is http_transport.cc.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "oracle/trust.h"

namespace iteralign {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  double timeout_s = 600, connect_timeout_s = 10;
  bool bypass_proxy = false;
  Trust trust;
};

enum class HttpOutcome {
  answered,      // there is a status and a whole body
  unreachable,   // no connection: name or port
  incompatible,  // TLS or HTTP on which the two cannot agree; no second try mends it
  dropped,       // the connection ended before the reply did
  timeout,
  stopped,  // should_stop said so
};

struct HttpReply {
  HttpOutcome outcome = HttpOutcome::unreachable;
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string error;  // what libcurl says unless answered
  std::string hint;   // how to mend it, where incompatible
};

// Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY). Redirects are not followed: they would carry the key elsewhere.
class HttpTransport {
 public:
  HttpTransport();
  ~HttpTransport();
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;

  // Blocks; safe from many threads. `should_stop` is asked several times a second.
  HttpReply post(const HttpRequest& request, const std::function<bool()>& should_stop);

 private:
  class Handle;

  std::unique_ptr<Handle> take();
  void give_back(std::unique_ptr<Handle> handle);

  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace iteralign
