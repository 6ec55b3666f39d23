#pragma once
// Chat templates: how a conversation becomes the text that a model was trained on.
// A template is Jinja, rendered as transformers does (trim_blocks, lstrip_blocks, loop controls, the generation tag, tojson,
// raise_exception). The formats that have no file of their own are Jinja too: builtin_templates.cc.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "iteralign/records.h"
#include "text/tokenizer.h"

namespace iteralign {

namespace jinja {
class Template;
}

struct RenderOptions {
  bool add_generation_prompt = false;
  Json variables = Json::object();  // what the template may read beside the messages: bos_token, eos_token, date_string, ...
  Json tools = nullptr;             // a list of JSON schemas, or null
  Json documents = nullptr;         // a list of what to answer from, or null
  std::string date;                 // "2026-01-31 12:00:00", or the day alone: defines strftime_now; empty: there is no such function
};

// bos_token, eos_token, sep_token, image_token, ... for a template. One that the tokenizer does not have stays undefined, as in
// transformers.
Json special_token_variables(const Tokenizer& tokenizer);

// A rendered conversation. What came from a message or a tool is input; the rest is the template's.
struct Rendered {
  std::vector<Fragment> fragments;
  // Where the content of the last message lies in the joined text, in bytes; begin == end when the template does not show it.
  std::size_t last_begin = 0, last_end = 0;

  [[nodiscard]] std::string text() const;
  [[nodiscard]] Rendered cut_at(std::size_t end) const;  // the first `end` bytes
};

// Immutable, cheap to copy, safe from many threads.
class ChatTemplate {
 public:
  // chat_template.jinja, else `chat_template` of tokenizer_config.json (a string, or a list whose "default" is taken),
  // else the built-in "plain": see name(). Throws Error data.
  static ChatTemplate from_folder(const std::string& hf_folder);
  // A built-in format. Throws Error usage with the list of names.
  static ChatTemplate named(std::string_view name);
  // Jinja source; `name` is what errors call it. Throws Error data with name, line and column.
  static ChatTemplate from_source(const std::string& source, const std::string& name);
  static std::vector<std::string> builtin_names();
  // What a --chat-template argument means: a file of Jinja, the name of a built-in format, Jinja itself, or, when empty, the folder's own.
  static ChatTemplate chosen(const std::string& file_or_name, const std::string& hf_folder);

  // `messages`: a JSON array of objects with `role`, `content` and whatever else the template reads (tool_calls, ...).
  // Throws Error data with name, line and column: for what the template raises and for what Jinja2 would refuse.
  [[nodiscard]] Rendered render(const Json& messages, const RenderOptions& options) const;
  [[nodiscard]] Rendered render(const Messages& messages, const RenderOptions& options) const;
  [[nodiscard]] std::string render_text(const Messages& messages, const RenderOptions& options) const;

  [[nodiscard]] const std::string& name() const;    // file, or name of the built-in format
  [[nodiscard]] const std::string& source() const;  // Jinja, as an exporter writes it into chat_template.jinja

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Template> parsed);
  std::shared_ptr<const jinja::Template> template_;
};

}  // namespace iteralign
