#pragma once
// The tables of a run store and their versions. docs/run-store.md describes them.

#include "store/sqlite.h"

namespace iteralign {

// Brings an open file to the newest schema: creates the tables of an empty file, migrates an older one.
// Error data for a file of another program and for a newer schema.
void migrate(Database& database);

}  // namespace iteralign
