#pragma once
// Where a run is kept, and what lies in its folder.

#include <string>
#include <utility>

#include "iteralign/config.h"

namespace iteralign {

inline constexpr const char* kDecisions = "constitution.edit.yaml";  // what people decide about principles

std::string run_folder(const Config& config);                                // runs/<name>
std::string run_store_path(const std::string& run_folder);                   // runs/<name>/run.db
std::string iteration_folder(const std::string& run_folder, int iteration);  // runs/<name>/iter-001

// The newest trained weights of the iterations up to this one: the folder, empty when there are none, and whether it is an adapter.
std::pair<std::string, bool> trained_weights(const std::string& run_folder, int iteration);

// Error usage where a new run cannot be kept: its folder holds something, other than what a run that was killed in its first moment left
// and what people decide before it.
void check_new_folder(const std::string& run_folder);

}  // namespace iteralign
