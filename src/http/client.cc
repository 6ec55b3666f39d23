#include "http/client.h"

#include <curl/curl.h>

#include <cmath>
#include <utility>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::size_t kMaxBodyBytes = 64U << 20;

struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() { curl_slist_free_all(list); }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

struct Transfer {
  HttpReply reply;
  const std::function<bool()>* should_stop = nullptr;
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& body = static_cast<Transfer*>(user)->reply.body;
  if (body.size() + size * count > kMaxBodyBytes) return 0;  // libcurl ends the transfer
  body.append(data, size * count);
  return size * count;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& headers = static_cast<Transfer*>(user)->reply.headers;
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) headers.clear();  // a 100 Continue or a proxy's reply came before
  if (const auto colon = line.find(':'); colon != std::string_view::npos)
    headers[to_lower(trim(line.substr(0, colon)))] = std::string(trim(line.substr(colon + 1)));
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& should_stop = *static_cast<Transfer*>(user)->should_stop;
  return should_stop && should_stop() ? 1 : 0;
}

bool is_plain_text_on_tls_port(const std::string& error) {
  return contains(error, "wrong version number") || contains(error, "packet length too long");
}

HttpOutcome outcome_of(CURLcode code, const std::string& error) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_UNSUPPORTED_PROTOCOL:  // an answer that is no HTTP: the alert of a TLS port
    case CURLE_WEIRD_SERVER_REPLY:
      return HttpOutcome::incompatible;
    case CURLE_SSL_CONNECT_ERROR:  // may be a connection that broke
      return is_plain_text_on_tls_port(error) || contains(error, "protocol version") || contains(error, "handshake failure")
                 ? HttpOutcome::incompatible
                 : HttpOutcome::unreachable;
    case CURLE_OK:
      return HttpOutcome::answered;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpOutcome::timeout;
    case CURLE_ABORTED_BY_CALLBACK:
      return HttpOutcome::stopped;
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_WRITE_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_BAD_CONTENT_ENCODING:
      return HttpOutcome::dropped;
    default:
      return HttpOutcome::unreachable;
  }
}

// By what libcurl and OpenSSL say.
Incompatibility incompatibility_of(CURLcode code, const std::string& error) {
  if (is_plain_text_on_tls_port(error)) return Incompatibility::plain_text;
  if (code == CURLE_SSL_CACERT_BADFILE) return Incompatibility::trust_file;
  if (contains(error, "expired")) return Incompatibility::expired;
  if (contains(error, "not yet valid")) return Incompatibility::not_yet_valid;
  if (contains(error, "subject name") || contains(error, "hostname mismatch") || contains(error, "IP address mismatch"))
    return Incompatibility::other_host;
  if (code == CURLE_PEER_FAILED_VERIFICATION) return Incompatibility::untrusted;
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) return Incompatibility::no_http;
  return Incompatibility::other;
}

long milliseconds(double seconds) { return std::lround(seconds * 1000); }

}  // namespace

class HttpClient::Handle {
 public:
  Handle() : curl_(curl_easy_init()) {
    if (curl_ == nullptr) throw Error(ErrorKind::failed, "libcurl could not be started");
  }
  ~Handle() { curl_easy_cleanup(curl_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  HttpReply post(const HttpRequest& request, const std::function<bool()>& should_stop) {
    HeaderList headers;
    headers.add("Content-Type: application/json");
    headers.add("Expect:");  // no pause before a large body
    for (const auto& header : request.headers) headers.add(header);
    Transfer transfer;
    transfer.should_stop = &should_stop;
    set_up(request, headers, transfer);

    char message[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, message);
    const CURLcode code = curl_easy_perform(curl_);
    curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, nullptr);

    HttpReply& reply = transfer.reply;
    if (code != CURLE_OK) reply.error = message[0] != '\0' ? message : curl_easy_strerror(code);
    reply.outcome = outcome_of(code, reply.error);
    if (reply.outcome == HttpOutcome::incompatible) reply.incompatibility = incompatibility_of(code, reply.error);
    long status = 0;
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    reply.status = static_cast<int>(status);
    return std::move(reply);
  }

 private:
  void set_up(const HttpRequest& request, const HeaderList& headers, Transfer& transfer) {
    curl_easy_reset(curl_);  // keeps the connections
    curl_easy_setopt(curl_, CURLOPT_URL, request.url.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
#else  // Ubuntu 22.04
    curl_easy_setopt(curl_, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.list);
    curl_easy_setopt(curl_, CURLOPT_USERAGENT, "iteralign");
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl_, CURLOPT_ACCEPT_ENCODING, "");  // all that libcurl can unpack
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);         // signals and threads do not mix
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, milliseconds(request.timeout_s));
    curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connect_timeout_s));
    if (const std::string& pem = request.trust.certificates; !pem.empty()) {
      curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};  // NOLINT: libcurl only reads it
      curl_easy_setopt(curl_, CURLOPT_CAINFO_BLOB, &blob);
    }
    if (!request.trust.folders.empty()) curl_easy_setopt(curl_, CURLOPT_CAPATH, request.trust.folders.c_str());
    if (request.bypass_proxy) curl_easy_setopt(curl_, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, &transfer);
  }

  CURL* curl_;
};

HttpClient::HttpClient() {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kStarted != CURLE_OK) throw Error(ErrorKind::failed, std::string("libcurl could not be started: ") + curl_easy_strerror(kStarted));
}

HttpClient::~HttpClient() = default;

HttpReply HttpClient::post(const HttpRequest& request, const std::function<bool()>& should_stop) {
  auto handle = take();
  HttpReply reply = handle->post(request, should_stop);
  give_back(std::move(handle));
  return reply;
}

std::unique_ptr<HttpClient::Handle> HttpClient::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  return std::make_unique<Handle>();
}

void HttpClient::give_back(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(handle));
}

}  // namespace iteralign
