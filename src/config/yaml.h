#pragma once
// YAML as the project reads it: strictly, so that nothing that a person wrote is dropped silently.

#include <string>
#include <utility>
#include <vector>

#include "iteralign/error.h"

namespace iteralign {

// A value and everything inside it. Scalars keep their text: the reader decides what it means.
struct YamlValue {
  enum class Kind { null, scalar, sequence, map };
  Kind kind = Kind::null;
  int line = 0;                                           // where it begins, or its key in a map; from 1
  std::string text;                                       // of a scalar
  bool quoted = false;                                    // of a scalar: "1" is a text in every reading
  std::vector<YamlValue> items;                           // of a sequence
  std::vector<std::pair<std::string, YamlValue>> fields;  // of a map, in the order of the file

  [[nodiscard]] const YamlValue* find(const std::string& key) const;  // null where there is none
};

// One document; an empty text is null. Aliases stand for what they name. Throws Error `kind` at `where`:line for text that is not valid
// YAML, a key that is there twice, a second document, a merge key, a tag of somebody's own, and keys that are no scalars.
YamlValue parse_yaml(const std::string& text, const std::string& where, ErrorKind kind);

}  // namespace iteralign
