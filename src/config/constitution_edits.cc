#include "config/constitution_edits.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "core/files.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& where) {
  throw Error(ErrorKind::usage, what, where, "known are accept: [ids], edit: {id: text}, ban: [texts], pin: [texts]");
}

std::vector<std::string> texts(const YAML::Node& node, const std::string& where) {
  std::vector<std::string> all;
  if (!node.IsSequence()) fail("is not a list", where);
  for (const YAML::Node& item : node) {
    if (!item.IsScalar() || item.Scalar().empty()) fail("has an entry that is not a text", where);
    all.push_back(item.Scalar());
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
      const auto ids = texts(entry.second, where);
      edits.accepted.insert(ids.begin(), ids.end());
    } else if (key == "ban") {
      edits.banned = texts(entry.second, where);
    } else if (key == "pin") {
      edits.pinned = texts(entry.second, where);
    } else if (key == "edit") {
      if (!entry.second.IsMap()) fail("is not a map of ids to texts", where);
      for (const auto& edit : entry.second) edits.edited[edit.first.Scalar()] = edit.second.Scalar();
    } else {
      fail("is no known key", where);
    }
  }
  return edits;
}

void emit(YAML::Emitter& out, const char* key, const auto& list) {
  if (list.empty()) return;
  out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
  for (const std::string& item : list) out << YAML::DoubleQuoted << item;
  out << YAML::EndSeq;
}

}  // namespace

ConstitutionEdits read_constitution_edits(const std::string& path) {
  if (!exists(path)) return {};
  try {
    return parse(YAML::Load(read_file(path)), path);
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
    for (const auto& [id, text] : edits.edited) out << YAML::Key << id << YAML::Value << YAML::DoubleQuoted << text;
    out << YAML::EndMap;
  }
  emit(out, "ban", edits.banned);
  emit(out, "pin", edits.pinned);
  out << YAML::EndMap;
  write_file_atomic(path, std::string(out.c_str()) + "\n");
}

}  // namespace iteralign
