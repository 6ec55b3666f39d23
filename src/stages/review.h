#pragma once
// What people say about the constitution, honoured before it is used.

#include "config/constitution_edits.h"
#include "stages/stage.h"

namespace iteralign {

// Applies the edits to the constitution of an iteration whose revisions have not begun: banned principles (and those as similar to one as
// propose.merge_similarity) go, edited ones get their new words, pinned ones are there. With propose.review an Error interrupted names the
// new ones about which nothing is decided: the same command goes on when `iteralign constitution` has decided.
void review(const Stage& stage, int iteration, const ConstitutionEdits& edits);

// The constitution with the edits.
Constitution edited(Constitution constitution, const ConstitutionEdits& edits, int iteration, double merge_similarity);

// The principles of a constitution.json, as what a run starts from: they are of iteration 0, without evidence. Error data when it is none.
Constitution read_constitution(const std::string& path);

}  // namespace iteralign
