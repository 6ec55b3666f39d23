#pragma once
// Jailbreaks: texts with a place for a request, which are to make a model do what it would refuse. Read in PyRIT's form: YAML with the
// text, a Jinja template, under `value`, and its place as {{ prompt }}.

#include <string>
#include <vector>

#include "jinja/interpreter.h"

namespace iteralign {

struct JailbreakTemplate {
  std::string family;  // the name of its folder: jailbreaks of one idea
  std::string path;
  jinja::Template text;
};

// Those of all YAML files below a folder, sorted by path. Error data for a file that is none, and for one that asks for more than a prompt.
std::vector<JailbreakTemplate> read_jailbreak_templates(const std::string& folder);

// Error data where the text has no place for a request.
std::string jailbreak(const JailbreakTemplate& around, const std::string& request);

}  // namespace iteralign
