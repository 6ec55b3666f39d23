#pragma once
// constitution.edit.yaml of a run folder: what people decided about principles.
//   accept: [P1, P4]                  reviewed and kept as they are
//   edit:   {P2: "Another wording."}
//   ban:    ["Refuse everything."]    texts; they never come back
//   pin:    ["Be honest."]            always in the constitution, and in context while there is room

#include <map>
#include <set>
#include <string>
#include <vector>

namespace iteralign {

struct ConstitutionEdits {
  std::set<std::string> accepted;             // ids
  std::map<std::string, std::string> edited;  // id -> text
  std::vector<std::string> banned, pinned;    // texts
};

// No edits when there is no such file. Error usage names the file, the key and what is wrong with it.
ConstitutionEdits read_constitution_edits(const std::string& path);
void write_constitution_edits(const std::string& path, const ConstitutionEdits& edits);

}  // namespace iteralign
