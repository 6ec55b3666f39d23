// Private authorities, certificates that do not fit, and the two schemes at each other's port: a real TLS server.

#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "oracle/test_server.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

using testing::HasSubstr;

struct Identity {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;
};

// A certificate for `name` that `authority` signs (null: itself), valid from now on for so many seconds.
Identity make_identity(const char* name, const Identity* authority, long valid_s) {
  Identity made{{EVP_EC_gen("P-256"), EVP_PKEY_free}, {X509_new(), X509_free}};
  X509* const c = made.certificate.get();
  X509* const issuer = authority == nullptr ? c : authority->certificate.get();
  static long serial = 0;
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(c), -86400);
  X509_gmtime_adj(X509_getm_notAfter(c), valid_s);
  X509_set_pubkey(c, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(c, X509_get_subject_name(issuer));
  const std::string alternative = std::string(authority == nullptr ? "DNS:" : "IP:") + name;
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, c, nullptr, nullptr, 0);
  const auto add = [&](int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(c, extension, -1);
    X509_EXTENSION_free(extension);
  };
  authority == nullptr ? add(NID_basic_constraints, "critical,CA:TRUE") : add(NID_subject_alt_name, alternative.c_str());
  X509_sign(c, (authority == nullptr ? made : *authority).key.get(), EVP_sha256());
  return made;
}

void write_pem(const std::string& path, const Identity& identity) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  PEM_write_X509(file, identity.certificate.get());
  std::fclose(file);
}

// Speaks TLS on a free port of 127.0.0.1 and answers every request with the same reply.
class TlsServer {
 public:
  explicit TlsServer(const Identity& identity) : server_(identity.certificate.get(), identity.key.get()) {
    server_.Post(".*", [](const httplib::Request&, httplib::Response& response) { send(response, 200, chat_reply("ok")); });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~TlsServer() {
    server_.stop();
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_) + "/v1"; }

 private:
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

class Tls : public testing::Test {
 protected:
  static constexpr long kYear = 365L * 86400;

  void SetUp() override { TearDown(); }
  void TearDown() override {
    for (const char* name : {"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}) ::unsetenv(name);
  }
  std::string authority_file() {
    write_pem(folder_.file("authority.pem"), authority_);
    return folder_.file("authority.pem");
  }
  static OracleOptions options(const std::string& url) {
    OracleOptions made;
    made.base_url = url;
    made.api_key_env = "";
    made.retry_base_s = 0.001;
    made.max_retries = 1;
    return made;
  }
  static std::string answer(const OracleOptions& options) { return OpenAiOracle(options, nullptr, {}).complete(question("q")).text; }

  const TemporaryFolder folder_;
  const Identity authority_ = make_identity("Private Authority", nullptr, kYear);
};

TEST_F(Tls, PrivateAuthorityIsTrustedWhereItIsNamed) {
  const TlsServer server(make_identity("127.0.0.1", &authority_, kYear));
  auto asked = options("https://" + server.address());
  const Error error = error_of([&] { answer(asked); });
  EXPECT_EQ(error.kind(), ErrorKind::remote);
  EXPECT_THAT(error.what(), HasSubstr("certificate"));
  EXPECT_THAT(error.hint(), HasSubstr("oracle.ca_file"));

  const std::string file = authority_file();
  for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}) {
    ::setenv(name, file.c_str(), 1);
    EXPECT_EQ(answer(asked), "ok") << name;
    ::unsetenv(name);
  }
  asked.ca_file = file;
  EXPECT_EQ(answer(asked), "ok");
}

TEST_F(Tls, FileOfAnAuthorityThatIsNotThere) {
  auto asked = options("https://127.0.0.1:1/v1");
  asked.ca_file = folder_.file("none.pem");
  EXPECT_THAT(error_of([&] { answer(asked); }).where(), HasSubstr("oracle.ca_file"));
  asked.ca_file.clear();
  ::setenv("SSL_CERT_FILE", folder_.file("none.pem").c_str(), 1);
  EXPECT_THAT(error_of([&] { answer(asked); }).where(), HasSubstr("SSL_CERT_FILE"));
}

TEST_F(Tls, WhatIsNamedAndDoesNotHelpIsNotAskedForAgain) {
  const TlsServer server(make_identity("127.0.0.1", &authority_, kYear));
  auto asked = options("https://" + server.address());
  write_pem(folder_.file("other.pem"), make_identity("Another Authority", nullptr, kYear));
  asked.ca_file = folder_.file("other.pem");
  EXPECT_THAT(error_of([&] { answer(asked); }).hint(), HasSubstr("the authority that did"));
  authority_file();
  asked.ca_file = folder_.path();  // files, but not by their hashes
  EXPECT_THAT(error_of([&] { answer(asked); }).hint(), HasSubstr("openssl rehash"));
}

TEST_F(Tls, CertificateThatDoesNotFit) {
  const TlsServer expired(make_identity("127.0.0.1", &authority_, -3600)), another(make_identity("10.1.2.3", &authority_, kYear));
  auto asked = options("https://" + expired.address());
  asked.ca_file = authority_file();
  EXPECT_THAT(error_of([&] { answer(asked); }).what(), HasSubstr("expired"));
  asked.base_url = "https://" + another.address();
  EXPECT_THAT(error_of([&] { answer(asked); }).hint(), HasSubstr("another host"));
}

TEST_F(Tls, SchemesAtEachOthersPort) {
  const TlsServer secure(make_identity("127.0.0.1", &authority_, kYear));
  EXPECT_THAT(error_of([&] { answer(options("http://" + secure.address())); }).what(), HasSubstr("https://"));
  TestServer plain([](int, const httplib::Request&, httplib::Response& response) { send(response, 200, chat_reply("ok")); });
  EXPECT_THAT(error_of([&] { answer(options("https://" + plain.base_url().substr(7))); }).what(), HasSubstr("write http://"));
}

}  // namespace
}  // namespace iteralign
