#pragma once
// "${NAME}": how a secret stands in a configuration without being in it.

#include <string>
#include <vector>

namespace iteralign {

struct Expanded {
  std::string text;
  std::vector<std::string> secrets;  // what was put in, in every form that it has in `text`
};

// `text` with the environment variables that it names; `in_url`: percent-encoded. Throws Error usage naming `where` for one that is not
// set, and for a value that a header or an address cannot hold.
Expanded expand_environment(const std::string& text, const std::string& where, bool in_url);

}  // namespace iteralign
