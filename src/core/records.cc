#include "iteralign/records.h"

#include <array>
#include <cmath>

#include "core/hash.h"
#include "core/json.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

constexpr std::array kPurposes = {"red_team",
                                  "heldout",
                                  "benign",
                                  "lookalike",
                                  "replay",
                                  "replay_lookalike",
                                  "begun_replay",
                                  "validation",
                                  "validation_benign",
                                  "validation_lookalike",
                                  "gate",
                                  "gate_benign",
                                  "gate_lookalike",
                                  "twin",
                                  "replay_twin"};
constexpr std::array kLabels = {"negative", "positive", "unjudged"};
constexpr std::array kReasons = {"none", "degenerate", "refused", "filtered", "unparsable", "truncated", "failed", "undecided"};
constexpr std::array kPairKinds = {"revision", "benign", "lookalike", "twin"};

template <class Enum, std::size_t N>
Enum parse(const std::array<const char*, N>& names, const std::string& text) {
  for (std::size_t i = 0; i < N; ++i)
    if (text == names[i]) return static_cast<Enum>(i);
  abort_on_bug("known name", __FILE__, __LINE__, text);
}

}  // namespace

const char* name(Purpose value) { return kPurposes[static_cast<std::size_t>(value)]; }
const char* name(Label value) { return kLabels[static_cast<std::size_t>(value)]; }
const char* name(UnjudgedReason value) { return kReasons[static_cast<std::size_t>(value)]; }
const char* name(PairKind value) { return kPairKinds[static_cast<std::size_t>(value)]; }
Purpose parse_purpose(const std::string& text) { return parse<Purpose>(kPurposes, text); }
Label parse_label(const std::string& text) { return parse<Label>(kLabels, text); }
UnjudgedReason parse_unjudged_reason(const std::string& text) { return parse<UnjudgedReason>(kReasons, text); }
PairKind parse_pair_kind(const std::string& text) { return parse<PairKind>(kPairKinds, text); }

std::string prompt_id(const Messages& messages) {
  Json turns = Json::array();
  for (const auto& message : messages) turns.push_back({message.role, message.content});
  return hash128_hex(dump_json(turns)).substr(0, 16);
}

Rate wilson_rate(int count, int n, int unjudged) {
  ITERALIGN_CHECK(count >= 0 && count <= n, "a rate counts a part of its n");
  if (n == 0) return {0, 0, unjudged, 0.0, 0.0, 1.0};
  constexpr double z = 1.959963984540054;
  const double p = static_cast<double>(count) / n;
  const double denominator = 1.0 + z * z / n;
  const double centre = (p + z * z / (2.0 * n)) / denominator;
  const double half = z * std::sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n)) / denominator;
  // The formula ends exactly at 0 and 1, its rounding does not.
  return {n, count, unjudged, p, count == 0 ? 0.0 : std::max(0.0, centre - half), count == n ? 1.0 : std::min(1.0, centre + half)};
}

}  // namespace iteralign
