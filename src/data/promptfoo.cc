#include "data/promptfoo.h"

#include <algorithm>
#include <functional>

#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

[[noreturn]] void fail(const std::string& what, const std::string& where, const std::string& hint) {
  throw Error(ErrorKind::data, what, where, hint);
}

// The values that the variables take together.
std::vector<Json> combinations(const Json& vars, const std::string& where) {
  constexpr std::size_t kMost = 100'000;
  std::vector<Json> all = {Json::object()};
  for (const auto& [name, value] : vars.items()) {
    const Json values = value.is_array() && !value.empty() ? value : Json::array({value});
    std::vector<Json> more;
    if (all.size() * values.size() > kMost) fail("its lists of variables make more than 100,000 prompts", where, "write shorter lists");
    for (const Json& known : all)
      for (const Json& one : values) {
        more.push_back(known);
        more.back()[name] = one;
      }
    all = std::move(more);
  }
  return all;
}

std::string fill(const std::string& text, const Json& vars, const std::string& where) {
  std::string filled;
  for (std::size_t at = 0;;) {
    const std::size_t open = text.find("{{", at), close = open == std::string::npos ? open : text.find("}}", open);
    if (contains(std::string_view(text).substr(at, open == std::string::npos ? open : open - at), "{%"))
      fail("a template with {% ... %} is not understood", where, "write the prompts themselves as vars");
    if (close == std::string::npos) return filled + text.substr(at);
    const std::string name(trim(std::string_view(text).substr(open + 2, close - open - 2)));
    const auto value = vars.find(name);
    if (value == vars.end() || !value->is_string())
      fail("the template's {{" + name + "}} has no text among the test's vars", where, "give every test that variable");
    if (value->get_ref<const std::string&>().starts_with("file://"))
      fail("the variable " + name + " is in another file: " + value->get<std::string>(), where, "give that file itself");
    filled += text.substr(at, open - at) + value->get<std::string>();
    at = close + 2;
  }
}

// A template may be a chat: turns in JSON.
Json fill_template(const std::string& text, const Json& vars, const std::string& where) {
  Json chat = trim(text).starts_with("[") ? Json::parse(text, nullptr, false) : Json();
  if (!chat.is_array()) return fill(text, vars, where);
  for (Json& turn : chat)
    if (turn.is_object() && turn.contains("content") && turn["content"].is_string())
      turn["content"] = fill(turn["content"].get<std::string>(), vars, where);
  return chat;
}

std::vector<std::string> templates_of(const Json& object, const std::string& path) {
  std::vector<std::string> templates;
  const Json& prompts = object.contains("prompts") ? object["prompts"] : Json::array();
  for (const Json& prompt : prompts.is_array() ? prompts : Json::array({prompts})) {
    std::string text;
    if (prompt.is_string()) text = prompt.get<std::string>();
    for (const char* name : {"raw", "content", "id"})
      if (text.empty() && prompt.is_object() && prompt.contains(name) && prompt[name].is_string()) text = prompt[name].get<std::string>();
    if (text.empty() || text.starts_with("file://"))
      fail("a prompt template is in another file: " + shorten(text.empty() ? dump_json(prompt) : text, 80), path,
           "write the template into this file");
    templates.push_back(std::move(text));
  }
  return templates;
}

std::string category_of_test(const Json& test) {
  const Json metadata = test.contains("metadata") && test["metadata"].is_object() ? test["metadata"] : Json::object();
  for (const char* name : {"harmCategory", "category", "pluginId"})
    if (metadata.contains(name) && metadata[name].is_string()) return metadata[name].get<std::string>();
  return {};
}

}  // namespace

bool is_promptfoo(const Json& object) {
  if (!object.is_object() || !object.contains("tests")) return false;
  const Json& tests = object["tests"];
  return object.contains("prompts") || tests.is_string() ||
         (tests.is_array() &&
          std::any_of(tests.begin(), tests.end(), [](const Json& test) { return test.is_object() && test.contains("vars"); }));
}

std::vector<ShapedRecord> promptfoo_records(const Json& object, const std::string& path) {
  const std::vector<std::string> templates = templates_of(object, path);
  if (!object["tests"].is_array())
    fail("its tests are in another file: " + shorten(dump_json(object["tests"]), 80), path, "give that file itself as the file of prompts");
  const Json defaults = object.contains("defaultTest") && object["defaultTest"].is_object() && object["defaultTest"].contains("vars")
                            ? object["defaultTest"]["vars"]
                            : Json::object();
  std::vector<ShapedRecord> records;
  std::size_t number = 0;
  for (const Json& test : object["tests"]) {
    const std::string where = path + ": test " + std::to_string(++number);
    if (!test.is_object() || !test.contains("vars") || !test["vars"].is_object())
      fail("this test has no vars of its own", where, "write its variables into this file: vars: {prompt: ...}");
    Json vars = defaults;
    vars.update(test["vars"]);
    for (const Json& values : combinations(vars, where)) {
      if (templates.empty()) records.push_back({where, values, category_of_test(test)});
      for (const std::string& text : templates)
        records.push_back({where, {{"prompt", fill_template(text, values, where)}}, category_of_test(test)});
    }
  }
  return records;
}

}  // namespace iteralign
