#pragma once
// HTTP POST over libcurl: connections are kept and used again. The only file that knows libcurl is client.cc.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/trust.h"

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

// Why client and server cannot talk to each other.
enum class Incompatibility {
  none,
  plain_text,  // the server speaks plain http
  no_http,     // its answer is no HTTP: the alert of a TLS port
  trust_file,  // the certificates to check it against cannot be read
  expired,     // its certificate, likewise below
  not_yet_valid,
  other_host,
  untrusted,
  other,
};

struct HttpReply {
  HttpOutcome outcome = HttpOutcome::unreachable;
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string error;  // what libcurl says unless answered
  Incompatibility incompatibility = Incompatibility::none;
};

// Proxies are taken from the environment (HTTPS_PROXY, NO_PROXY). Redirects are not followed: they would carry the key elsewhere.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

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
