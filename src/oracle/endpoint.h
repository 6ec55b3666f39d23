#pragma once
// The address of an OpenAI-compatible server, from what people write into a configuration.

#include <string>

namespace iteralign {

struct Endpoint {
  std::string base;  // "https://host/v1": scheme and host in lower case, no slash at the end; names the server in messages and keys
  std::string url;   // of chat completions
  bool loopback = false, https = false;
};

// Takes "http://host:8000", ".../v1", ".../v1/" and ".../v1/chat/completions" alike; a query ("?api-version=...") is kept.
// Throws Error usage for anything else: no host, a port out of range, a placeholder of a manual, a password, another protocol's path.
Endpoint parse_endpoint(const std::string& base_url);

}  // namespace iteralign
