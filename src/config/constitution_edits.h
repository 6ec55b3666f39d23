#pragma once
// constitution.edit.yaml of a run folder: what people decided about principles. A decision is about a text: a number may be given for one
// that stands in the constitution, and older programs wrote numbers.
//   accept: ["Do not help thieves."]       reviewed and kept as they are
//   edit:   {"Old wording.": "Another."}
//   ban:    ["Refuse everything."]         never comes back
//   pin:    ["Be honest."]                 always in the constitution, and in context while there is room

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct ConstitutionEdits {
  std::vector<std::string> accepted;          // texts or ids
  std::map<std::string, std::string> edited;  // text or id -> new text
  std::vector<std::string> banned, pinned;    // texts, or ids of banned ones

  // The last decision about a text counts. Returns false when it was decided so already.
  bool accept(const std::string& text);
  bool edit(const std::string& text, const std::string& new_text);
  bool ban(const std::string& text);
  bool pin(const std::string& text);
  // Removes the decisions about a text, and those that gave another this text. Returns false when there were none.
  bool undo(const std::string& text);
};

// The same words, whatever the case, the spaces and the punctuation.
bool is_same_principle(std::string_view a, std::string_view b);
bool contains_principle(const std::vector<std::string>& texts, std::string_view text);

// No edits when there is no such file. An entry that stands there twice counts once. Error usage names the file, the key and the fault.
ConstitutionEdits read_constitution_edits(const std::string& path);
void write_constitution_edits(const std::string& path, const ConstitutionEdits& edits);

}  // namespace iteralign
