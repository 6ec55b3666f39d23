#include "http/trust.h"

#include <cstdlib>
#include <set>

#include "core/files.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

void add(Trust& trust, const std::string& path, const std::string& where) {
  if (!exists(path)) throw Error(ErrorKind::usage, "there is no file '" + path + "'", where, "name a file of PEM certificates");
  if (is_directory(path))
    trust.folders += (trust.folders.empty() ? "" : ":") + path;
  else
    trust.certificates += read_file(path) + "\n";
}

}  // namespace

Trust find_trust(const std::string& ca_file, const std::string& where) {
  Trust trust;
  if (!ca_file.empty()) {
    add(trust, ca_file, where);
    return trust;
  }
  std::set<std::string> seen;  // they often name the same file
  for (const char* name : {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"})
    if (const char* path = std::getenv(name); path != nullptr && *path != '\0' && seen.insert(path).second)
      add(trust, path, std::string("the environment variable ") + name);
  if (const char* folders = std::getenv("SSL_CERT_DIR"); folders != nullptr && *folders != '\0')
    trust.folders += (trust.folders.empty() ? "" : ":") + std::string(folders);
  return trust;
}

}  // namespace iteralign
