#pragma once
// How an answer ends: "stop", "length", or this.

namespace iteralign {

// The prompt leaves no room for an answer in the model's context: nothing was generated.
inline constexpr const char* kTooLong = "too_long";

}  // namespace iteralign
