#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace iteralign {
namespace {

constexpr std::size_t kMostValues = 4'000'000;  // aliases of aliases grow without end

std::size_t size_of(const YamlValue& value) {
  std::size_t size = 1;
  for (const YamlValue& item : value.items) size += size_of(item);
  for (const auto& [key, field] : value.fields) size += size_of(field);
  return size;
}

// Builds the tree from the parser's events, which say where each is. Nodes of yaml-cpp would hide aliases and repeated keys.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& where, ErrorKind kind) : where_(where), kind_(kind) {}

  YamlValue take() { return std::move(root_); }

  [[noreturn]] void fail(int line, const std::string& what, const std::string& hint) const {
    throw Error(kind_, what, fmt::format("{}:{}", where_, line), hint);
  }

  void OnDocumentStart(const YAML::Mark&) override { ++documents_; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (documents_ > 1 && open_.empty()) return;  // `---` at the end of a file begins nothing
    begin(mark, YamlValue::Kind::null, anchor);
    end();
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) fail(mark.line + 1, "an alias stands inside what it names", "write the value itself");
    values_ += size_of(known->second);
    if (values_ > kMostValues) fail(mark.line + 1, "its aliases stand for millions of values", "write less of them");
    begin(mark, YamlValue::Kind::null, YAML::NullAnchor);
    const int line = open_.back().value.line;
    open_.back().value = known->second;
    open_.back().value.line = line;
    end();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    begin(mark, YamlValue::Kind::scalar, anchor);
    check_tag(mark, tag);
    open_.back().value.text = value;
    open_.back().value.quoted = tag == "!";
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    begin(mark, YamlValue::Kind::sequence, anchor);
    check_tag(mark, tag);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    begin(mark, YamlValue::Kind::map, anchor);
    check_tag(mark, tag);
  }
  void OnMapEnd() override { end(); }

 private:
  // A value that is being read; a map's key waits for its value.
  struct Open {
    YamlValue value;
    YAML::anchor_t anchor;
    bool has_key = false;
    std::string key;
    int key_line = 0;
  };

  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!" && !tag.starts_with("tag:yaml.org,2002:"))
      fail(mark.line + 1, "the tag " + tag + " is not understood", "write the value without it");
  }

  void begin(const YAML::Mark& mark, YamlValue::Kind kind, YAML::anchor_t anchor) {
    if (documents_ > 1)
      fail(mark.line + 1, "a second document begins before this line", "one document a file: split the file, or remove the `---`");
    ++values_;
    YamlValue value;
    value.kind = kind;
    value.line = !open_.empty() && open_.back().has_key ? open_.back().key_line : mark.line + 1;
    open_.push_back({std::move(value), anchor, false, {}, 0});
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.anchor != YAML::NullAnchor) anchors_[done.anchor] = done.value;
    if (open_.empty()) {
      root_ = std::move(done.value);
    } else if (Open& parent = open_.back(); parent.value.kind == YamlValue::Kind::sequence) {
      parent.value.items.push_back(std::move(done.value));
    } else if (!parent.has_key) {
      take_key(parent, done.value);
    } else {
      parent.value.fields.emplace_back(std::move(parent.key), std::move(done.value));
      parent.has_key = false;
    }
  }

  void take_key(Open& map, const YamlValue& key) const {
    if (key.kind != YamlValue::Kind::scalar) fail(key.line, "a key that is no plain text", "write `key: value`");
    if (key.text == "<<") fail(key.line, "merge keys (`<<`) are not read", "write the merged keys themselves");
    if (const YamlValue* first = map.value.find(key.text))
      fail(key.line, fmt::format("the key '{}' is there twice, first in line {}", key.text, first->line), "remove one of them");
    map.has_key = true;
    map.key = key.text;
    map.key_line = key.line;
  }

  const std::string& where_;
  ErrorKind kind_;
  int documents_ = 0;
  std::size_t values_ = 0;
  YamlValue root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlValue> anchors_;
};

}  // namespace

const YamlValue* YamlValue::find(const std::string& key) const {
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& known) { return known.first == key; });
  return field == fields.end() ? nullptr : &field->second;
}

YamlValue parse_yaml(const std::string& text, const std::string& where, ErrorKind kind) {
  TreeBuilder builder(where, kind);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    builder.fail(error.mark.line + 1, "not valid YAML: " + error.msg, "check indentation (spaces, no tabs), quotes and colons");
  }
  return builder.take();
}

}  // namespace iteralign
