#pragma once
// What people say about the constitution, honoured before it is used.

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

// Applies the edits to the constitution of an iteration whose revisions have not begun: banned principles (and those as similar to one as
// propose.merge_similarity, unless they were accepted themselves) go, edited ones get their new words, pinned ones are there. With
// propose.review WaitsForReview names the new ones about which nothing is decided, and nothing is changed until all is: the same command
// goes on when `iteralign constitution` has decided.
void review(const Stage& stage, int iteration, const ConstitutionEdits& edits);

// The edits with texts in place of the ids of principles in this constitution; other ids stay and mean nothing.
ConstitutionEdits with_texts(const ConstitutionEdits& edits, const Constitution& constitution);

// The constitution with the edits, which are texts. What is pinned gets numbers from `free_number` on.
Constitution with_edits(Constitution constitution, const ConstitutionEdits& edits, int iteration, double merge_similarity, int free_number);

// The principles of an iteration about which nothing is decided, in a constitution with the edits.
std::vector<Principle> undecided(const Constitution& constitution, const ConstitutionEdits& edits, int iteration);

// The first number (3 of "P3") that no principle has or had at the end of an iteration before this one, and that no edit names.
int free_principle_number(RunStore& store, int iteration, const ConstitutionEdits& edits = {});

// The principles of a constitution.json, as what a run starts from: they are of iteration 0, without evidence. Error data when it is none.
Constitution read_constitution(const std::string& path);

}  // namespace iteralign
