#pragma once
// How far an oracle's verdicts can be trusted, for a terminal.

#include <string>

#include "stages/calibrate.h"

namespace iteralign {

// A row a label and question; below it whose verdicts they are (as RunInfo::oracle), and what could not be measured.
std::string calibration_table(const Calibration& calibration, const std::string& judge);

}  // namespace iteralign
