#include "stages/review.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "iteralign/error.h"
#include "stages/similarity.h"

namespace iteralign {
namespace {

bool is_near(const std::string& a, const std::string& b, double similarity) { return a == b || word_similarity(a, b) >= similarity; }

// P1, P2, ... that no principle has.
std::string free_id(const Constitution& constitution) {
  for (std::size_t number = constitution.principles.size() + 1;; ++number) {
    std::string id = fmt::format("P{}", number);
    if (std::ranges::none_of(constitution.principles, [&](const Principle& p) { return p.id == id; })) return id;
  }
}

void stop_for_undecided(const Stage& stage, const Constitution& constitution, const ConstitutionEdits& edits, int iteration) {
  std::vector<std::string> undecided;
  for (const Principle& p : constitution.principles)
    if (p.iteration == iteration && !edits.accepted.contains(p.id) && !edits.edited.contains(p.id) &&
        std::ranges::find(edits.pinned, p.text) == edits.pinned.end())
      undecided.push_back(p.id + ": " + p.text);
  if (undecided.empty()) return;
  throw Error(ErrorKind::interrupted, "new principles wait for review:\n  " + join(undecided, "\n  "), stage.config.name,
              "iteralign constitution RUN accept|edit|ban ID, then the same command again");
}

}  // namespace

Constitution edited(Constitution constitution, const ConstitutionEdits& edits, int iteration, double merge_similarity) {
  std::erase_if(constitution.principles, [&](const Principle& p) {
    return std::ranges::any_of(edits.banned,
                               [&](const std::string& banned) { return p.id == banned || is_near(p.text, banned, merge_similarity); });
  });
  for (Principle& principle : constitution.principles)
    if (const auto edit = edits.edited.find(principle.id); edit != edits.edited.end()) principle.text = edit->second;
  for (const std::string& text : edits.pinned)
    if (std::ranges::none_of(constitution.principles, [&](const Principle& p) { return p.text == text; }))
      constitution.principles.push_back({free_id(constitution), text, "", iteration, {}});
  return constitution;
}

void review(const Stage& stage, int iteration, const ConstitutionEdits& edits) {
  const auto known = stage.store.constitution_of(iteration);
  if (!known || !stage.store.revisions(iteration).empty()) return;
  Constitution constitution = edited(*known, edits, iteration, stage.config.propose.merge_similarity);
  if (constitution.principles != known->principles) {
    if (constitution.version == stage.store.constitution(iteration - 1).version) ++constitution.version;
    stage.store.put_constitution(iteration, constitution);
  }
  if (stage.config.propose.review) stop_for_undecided(stage, constitution, edits, iteration);
}

Constitution read_constitution(const std::string& path) {
  const Json json = read_json(path);
  Constitution constitution;
  try {
    for (const Json& item : json.at("principles"))
      constitution.principles.push_back(
          {fmt::format("P{}", constitution.principles.size() + 1), item.at("text"), item.value("area", std::string()), 0, {}});
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data, std::string("is not a constitution: ") + error.what(), path, "every run writes a constitution.json");
  }
  constitution.version = constitution.principles.empty() ? 0 : 1;
  return constitution;
}

}  // namespace iteralign
