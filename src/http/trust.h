#pragma once
// The certificate authorities that an https server's certificate is checked against.

#include <string>

namespace iteralign {

struct Trust {
  std::string certificates;  // PEM
  std::string folders;       // of PEM files by their hashes, with colons between them; both empty: the system's
};

// `ca_file` if given, which `where` stands for in messages (a configuration key); else all that the environment names in the variables of
// curl, requests and OpenSSL: CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, SSL_CERT_FILE and SSL_CERT_DIR. Throws Error usage naming the one whose
// file is not there.
Trust find_trust(const std::string& ca_file, const std::string& where);

}  // namespace iteralign
