#pragma once
// How far an oracle's verdicts can be trusted, for a terminal.

#include <string>

#include "stages/calibrate.h"

namespace iteralign {

// A row a label and question; below it whose verdicts they are (as RunInfo::oracle), and what could not be measured.
std::string calibration_table(const Calibration& calibration, const std::string& judge);

// What stands beside corrected rates: that they are, by which errors, and what these were measured on.
std::string correction_words(const Calibration& calibration);

}  // namespace iteralign
