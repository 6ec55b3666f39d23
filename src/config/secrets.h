#pragma once
// Secrets that stand in a configuration, where they would be written to every run folder.

#include "iteralign/config.h"

namespace iteralign {

// Throws Error usage for a key, a token or a password in oracle.base_url, oracle.headers or oracle.body; the message does not show it.
// In its place "${NAME}" names an environment variable.
void refuse_secrets(const OracleConfig& oracle);

// The address with "..." in place of every value of its query that could be a secret. Two addresses are the same in this form when one has
// a key where the other names an environment variable.
std::string without_secrets(const std::string& url);

}  // namespace iteralign
