#include "grammar/json_schema.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

using Node = Nfa::Node;

constexpr int kMostDigits = 15;  // what a double holds exactly

ByteSet one_of(std::string_view characters) {
  ByteSet bytes;
  for (const char c : characters) bytes.set(static_cast<std::uint8_t>(c));
  return bytes;
}

// Adds to the nfa the value of a schema; each function returns the node behind it.
class SchemaNfa {
 public:
  Nfa nfa;

  Node value(const Json& schema, const std::string& where, Node from) {
    if (!schema.is_object()) refuse("is no object", where);
    const std::string type = schema.contains("type") && schema["type"].is_string() ? schema["type"].get<std::string>() : "";
    if (type == "object") return object(schema, where, from);
    if (type == "array") return array(schema, where, from);
    if (type == "string") return schema.contains("enum") ? one_text_of(schema, where, from) : any_text(schema, where, from);
    if (type == "integer") return integer(schema, where, from);
    refuse(type.empty() ? "has no type" : "has the type '" + type + "'", where);
  }

 private:
  [[noreturn]] static void refuse(const std::string& what, const std::string& where) {
    throw Error(ErrorKind::usage, what, where,
                "understood are object with properties that are all required and no others, array, string, enum of strings, integer");
  }
  static void allow_only(const Json& schema, const std::string& where, std::initializer_list<std::string_view> keywords) {
    for (const auto& [keyword, value] : schema.items())
      if (std::ranges::find(keywords, keyword) == keywords.end()) refuse("has the keyword '" + keyword + "'", where);
  }

  void optional_space(Node from, Node to) {
    nfa.add_edge(from, one_of(" "), to);
    nfa.add_epsilon(from, to);
  }

  Node object(const Json& schema, const std::string& where, Node from) {
    allow_only(schema, where, {"type", "properties", "required", "additionalProperties"});
    if (schema.value("additionalProperties", Json()) != Json(false)) refuse("does not say \"additionalProperties\": false", where);
    const Json properties = schema.value("properties", Json::object()), required = schema.value("required", Json::array());
    Node at = nfa.add_literal(from, "{");
    bool first = true;
    for (const auto& [name, of] : properties.items()) {
      const std::string place = where + "/" + name;
      if (std::ranges::find(required, Json(name)) == required.end()) refuse("is not required", place);
      if (!first) at = behind_mark(",", at);
      first = false;
      at = value(of, place, behind_mark(dump_json(name) + ":", at));
    }
    if (required.size() != properties.size()) refuse("requires what it has no property for", where);
    return nfa.add_literal(at, "}");
  }

  Node array(const Json& schema, const std::string& where, Node from) {
    allow_only(schema, where, {"type", "items"});
    const Node open = nfa.add_literal(from, "["), item = nfa.add(), end = nfa.add();
    nfa.add_epsilon(open, item);
    nfa.add_edge(open, one_of("]"), end);
    const Node behind = value(schema.value("items", Json()), where + "/items", item);
    nfa.add_epsilon(behind_mark(",", behind), item);
    nfa.add_edge(behind, one_of("]"), end);
    return end;
  }

  Node behind_mark(std::string_view mark, Node from) {
    const Node to = nfa.add();
    optional_space(nfa.add_literal(from, mark), to);
    return to;
  }

  Node one_text_of(const Json& schema, const std::string& where, Node from) {
    allow_only(schema, where, {"type", "enum"});
    if (!schema["enum"].is_array() || schema["enum"].empty()) refuse("has an enum that is no list of texts", where);
    const Node end = nfa.add();
    for (const Json& text : schema["enum"]) {
      if (!text.is_string()) refuse("has an enum of other things than texts", where);
      nfa.add_epsilon(nfa.add_literal(from, dump_json(text)), end);
    }
    return end;
  }

  Node any_text(const Json& schema, const std::string& where, Node from) {
    allow_only(schema, where, {"type"});
    const Node open = nfa.add_literal(from, "\""), inside = nfa.add(), escaped = nfa.add(), end = nfa.add();
    nfa.add_epsilon(open, inside);
    nfa.add_edge(inside, bytes_between(0x20, 0x7f) & ~one_of("\"\\"), inside);
    nfa.add_edge(inside, one_of("\\"), escaped);
    nfa.add_edge(escaped, one_of("\"\\/bfnrt"), inside);
    characters(inside);
    nfa.add_edge(inside, one_of("\""), end);
    return end;
  }

  // The characters of several bytes: Unicode 15, table 3-7.
  void characters(Node inside) {
    const ByteSet tail = bytes_between(0x80, 0xbf);
    const Node one = nfa.add(), two = nfa.add(), three = nfa.add();  // so many bytes of the tail are missing
    nfa.add_edge(one, tail, inside);
    nfa.add_edge(two, tail, one);
    nfa.add_edge(three, tail, two);
    nfa.add_edge(inside, bytes_between(0xc2, 0xdf), one);
    nfa.add_edge(inside, bytes_between(0xe1, 0xec) | bytes_between(0xee, 0xef), two);
    nfa.add_edge(inside, bytes_between(0xf1, 0xf3), three);
    const auto narrowed = [&](std::uint8_t first, const ByteSet& second, Node to) {
      const Node at = nfa.add();
      nfa.add_edge(inside, bytes_between(first, first), at);
      nfa.add_edge(at, second, to);
    };
    narrowed(0xe0, bytes_between(0xa0, 0xbf), one);
    narrowed(0xed, bytes_between(0x80, 0x9f), one);
    narrowed(0xf0, bytes_between(0x90, 0xbf), two);
    narrowed(0xf4, bytes_between(0x80, 0x8f), two);
  }

  Node integer(const Json& schema, const std::string& where, Node from) {
    allow_only(schema, where, {"type"});
    const Node positive = nfa.add(), end = nfa.add();
    nfa.add_edge(from, one_of("0"), end);
    nfa.add_edge(from, one_of("-"), positive);
    nfa.add_epsilon(from, positive);
    Node at = nfa.add();
    nfa.add_edge(positive, bytes_between('1', '9'), at);
    for (int digits = 1; digits < kMostDigits; ++digits) {
      nfa.add_epsilon(at, end);
      const Node more = nfa.add();
      nfa.add_edge(at, bytes_between('0', '9'), more);
      at = more;
    }
    nfa.add_epsilon(at, end);
    return end;
  }
};

}  // namespace

Automaton json_schema_automaton(std::string_view schema) {
  const std::string where = "JSON schema";
  const Json parsed = parse_json(schema, where);
  // What may go on for ever is no answer: of the others only an object says itself that it is over.
  if (parsed.is_object() && parsed.value("type", Json()) != Json("object"))
    throw Error(ErrorKind::usage, "does not describe an object", where);
  SchemaNfa made;
  const Node end = made.value(parsed, where, 0);
  return {made.nfa, end};
}

}  // namespace iteralign
