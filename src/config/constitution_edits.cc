#include "config/constitution_edits.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "config/yaml.h"
#include "core/files.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& where) {
  throw Error(ErrorKind::usage, what, where, "known are accept: [texts], edit: {text: new text}, ban: [texts], pin: [texts]");
}

std::vector<std::string> texts(const YAML::Node& node, const std::string& where) {
  std::vector<std::string> all;
  if (!node.IsSequence()) fail("is not a list", where);
  for (const YAML::Node& item : node) {
    if (!item.IsScalar() || item.Scalar().empty()) fail("has an entry that is not a text", where);
    if (!contains_principle(all, item.Scalar())) all.push_back(item.Scalar());
  }
  return all;
}

ConstitutionEdits parse(const YAML::Node& root, const std::string& path) {
  ConstitutionEdits edits;
  if (root.IsNull()) return edits;
  if (!root.IsMap()) fail("is not a map", path);
  for (const auto& entry : root) {
    const std::string key = entry.first.Scalar(), where = path + ", " + key;
    if (key == "accept") {
      edits.accepted = texts(entry.second, where);
    } else if (key == "ban") {
      edits.banned = texts(entry.second, where);
    } else if (key == "pin") {
      edits.pinned = texts(entry.second, where);
    } else if (key == "edit") {
      if (!entry.second.IsMap()) fail("is not a map of texts to texts", where);
      for (const auto& edit : entry.second) edits.edited[edit.first.Scalar()] = edit.second.Scalar();
    } else {
      fail("is no known key", where);
    }
  }
  return edits;
}

void emit(YAML::Emitter& out, const char* key, const std::vector<std::string>& list) {
  if (list.empty()) return;
  out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
  for (const std::string& item : list) out << YAML::DoubleQuoted << item;
  out << YAML::EndSeq;
}

std::string words_of(std::string_view text) {
  const std::string line = join(words(text), " ");
  return line.empty() ? std::string(trim(text)) : line;
}

// False: it is there.
bool add(std::vector<std::string>& list, const std::string& text) {
  if (contains_principle(list, text)) return false;
  list.push_back(text);
  return true;
}

}  // namespace

bool is_same_principle(std::string_view a, std::string_view b) { return a == b || words_of(a) == words_of(b); }

bool contains_principle(const std::vector<std::string>& texts, std::string_view text) {
  return std::ranges::any_of(texts, [&](const std::string& known) { return is_same_principle(known, text); });
}

bool ConstitutionEdits::accept(const std::string& text) {
  if (contains_principle(accepted, text)) return false;
  undo(text);
  return add(accepted, text);
}

bool ConstitutionEdits::edit(const std::string& text, const std::string& new_text) {
  if (const auto known = edited.find(text); known != edited.end() && known->second == new_text) return false;
  undo(text);
  edited[text] = new_text;
  std::erase_if(banned, [&](const std::string& other) { return is_same_principle(other, new_text); });
  return true;
}

bool ConstitutionEdits::ban(const std::string& text) {
  if (contains_principle(banned, text)) return false;
  undo(text);
  return add(banned, text);
}

bool ConstitutionEdits::pin(const std::string& text) {
  if (contains_principle(pinned, text)) return false;
  undo(text);
  return add(pinned, text);
}

bool ConstitutionEdits::undo(const std::string& text) {
  const auto is_it = [&](const std::string& other) { return is_same_principle(other, text); };
  auto forgotten = std::erase_if(accepted, is_it) + std::erase_if(banned, is_it) + std::erase_if(pinned, is_it);
  forgotten += std::erase_if(edited, [&](const auto& edit) { return is_it(edit.first) || is_it(edit.second); });
  return forgotten > 0;
}

ConstitutionEdits read_constitution_edits(const std::string& path) {
  if (!exists(path)) return {};
  const std::string text = read_file(path);
  parse_yaml(text, path, ErrorKind::usage);  // a list that is there twice would lose decisions
  try {
    return parse(YAML::Load(text), path);
  } catch (const YAML::Exception& error) {
    fail("not valid YAML: " + error.msg, path + ":" + std::to_string(error.mark.line + 1));
  }
}

void write_constitution_edits(const std::string& path, const ConstitutionEdits& edits) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  emit(out, "accept", edits.accepted);
  if (!edits.edited.empty()) {
    out << YAML::Key << "edit" << YAML::Value << YAML::BeginMap;
    for (const auto& [text, wording] : edits.edited)
      out << YAML::Key << YAML::DoubleQuoted << text << YAML::Value << YAML::DoubleQuoted << wording;
    out << YAML::EndMap;
  }
  emit(out, "ban", edits.banned);
  emit(out, "pin", edits.pinned);
  out << YAML::EndMap;
  write_file_atomic(path, std::string(out.c_str()) + "\n");
}

}  // namespace iteralign
