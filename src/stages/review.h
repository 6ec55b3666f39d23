#pragma once
// The decisions of people about the constitution, applied before it is used.

#include <string>
#include <vector>

#include "config/constitution_edits.h"
#include "iteralign/error.h"
#include "stages/stage.h"

namespace iteralign {

// New principles wait for people: an Error interrupted, with an exit code of its own.
class WaitsForReview : public Error {
 public:
  static constexpr int kExitCode = 6;
  WaitsForReview(const std::vector<Principle>& waiting, const std::string& run);
};

// Applies the edits to the constitution of an iteration whose revisions have not begun. Banned principles are removed, and so are those
// that are as similar to one as propose.merge_similarity, unless they were accepted themselves; edited principles get their new words;
// pinned ones are added. With propose.review nothing is changed until every new principle is decided about: until then WaitsForReview names
// those that are not, and the same command goes on once `iteralign constitution` has decided.
void review(const Stage& stage, int iteration, const ConstitutionEdits& edits);

// The edits with the texts of this constitution's principles in place of their ids; unknown ids stay and have no effect.
ConstitutionEdits with_texts(const ConstitutionEdits& edits, const Constitution& constitution);

// The constitution after these edits, which name principles by their texts. Pinned principles get numbers from `free_number` on.
Constitution with_edits(Constitution constitution, const ConstitutionEdits& edits, int iteration, double merge_similarity, int free_number);

// The principles of an iteration that nobody has decided about, in a constitution after the edits.
std::vector<Principle> undecided(const Constitution& constitution, const ConstitutionEdits& edits, int iteration);

// The first number (3 of "P3") that no principle had at the end of an earlier iteration and that no edit names.
int free_principle_number(RunStore& store, int iteration, const ConstitutionEdits& edits = {});

// The principles of a constitution.json, for a run that starts with them: of iteration 0, without evidence. Error data when the file is
// none.
Constitution read_constitution(const std::string& path);

}  // namespace iteralign
