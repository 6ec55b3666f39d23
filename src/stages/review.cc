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

// 3 of "P3"; 0 of anything else.
int number_of(const std::string& id) {
  const bool is_id =
      id.size() > 1 && id.size() < 9 && id[0] == 'P' && std::all_of(id.begin() + 1, id.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_id ? std::stoi(id.substr(1)) : 0;
}

bool is_pinned_or_accepted(const ConstitutionEdits& edits, const std::string& text) {
  return contains_principle(edits.accepted, text) || contains_principle(edits.pinned, text) ||
         std::ranges::any_of(edits.edited, [&](const auto& edit) { return is_same_principle(edit.second, text); });
}

bool is_banned(const ConstitutionEdits& edits, const std::string& text, double merge_similarity) {
  if (contains_principle(edits.banned, text)) return true;
  return !is_pinned_or_accepted(edits, text) &&
         std::ranges::any_of(edits.banned, [&](const std::string& banned) { return word_similarity(text, banned) >= merge_similarity; });
}

std::string lines_of(const std::vector<Principle>& principles) {
  std::string lines;
  for (const Principle& p : principles) lines += "\n  " + p.id + ": " + p.text;
  return lines;
}

// What people took out so far and with this: their numbers are not given again, and a ban can be undone.
std::vector<Principle> removed_with(RunStore& store, const Constitution& before, const Constitution& after) {
  std::vector<Principle> removed = store.removed_principles();
  const auto has = [](const std::vector<Principle>& list, const std::string& id) {
    return std::ranges::any_of(list, [&](const Principle& p) { return p.id == id; });
  };
  for (const Principle& principle : before.principles)
    if (!has(after.principles, principle.id) && !has(removed, principle.id)) removed.push_back(principle);
  return removed;
}

}  // namespace

WaitsForReview::WaitsForReview(const std::vector<Principle>& waiting, const std::string& run)
    : Error(ErrorKind::interrupted, "new principles wait for review:" + lines_of(waiting), run,
            "iteralign constitution RUN accept|edit|ban ID, then the same command again") {}

int free_principle_number(RunStore& store, int iteration, const ConstitutionEdits& edits) {
  int last = 0;
  const auto count = [&](const std::string& id) { last = std::max(last, number_of(id)); };
  for (int i = 0; i < iteration; ++i)
    if (const auto constitution = store.constitution_of(i))
      for (const Principle& principle : constitution->principles) count(principle.id);
  for (const Principle& principle : store.removed_principles()) count(principle.id);
  for (const std::string& accepted : edits.accepted) count(accepted);
  for (const auto& [id, text] : edits.edited) count(id);
  return last + 1;
}

ConstitutionEdits with_texts(const ConstitutionEdits& edits, const Constitution& constitution) {
  const auto text_of = [&](const std::string& what) {
    const auto found = std::ranges::find(constitution.principles, what, &Principle::id);
    return found == constitution.principles.end() ? what : found->text;
  };
  ConstitutionEdits texts{.accepted = {}, .edited = {}, .banned = {}, .pinned = edits.pinned};
  for (const std::string& what : edits.accepted) texts.accepted.push_back(text_of(what));
  for (const std::string& what : edits.banned) texts.banned.push_back(text_of(what));
  for (const auto& [what, wording] : edits.edited) texts.edited[text_of(what)] = wording;
  return texts;
}

Constitution with_edits(Constitution constitution, const ConstitutionEdits& edits, int iteration, double merge_similarity,
                        int free_number) {
  auto& principles = constitution.principles;
  std::erase_if(principles, [&](const Principle& p) { return is_banned(edits, p.text, merge_similarity); });
  std::vector<Principle> kept;
  for (Principle& principle : principles) {
    const auto edit = std::ranges::find_if(edits.edited, [&](const auto& e) { return is_same_principle(e.first, principle.text); });
    if (edit != edits.edited.end()) principle.text = edit->second;
    const bool there =
        !edits.edited.empty() && std::ranges::any_of(kept, [&](const Principle& p) { return is_same_principle(p.text, principle.text); });
    if (!there) kept.push_back(std::move(principle));
  }
  principles = std::move(kept);
  for (const Principle& principle : principles) free_number = std::max(free_number, number_of(principle.id) + 1);
  for (const std::string& text : edits.pinned)
    if (std::ranges::none_of(principles, [&](const Principle& p) { return is_same_principle(p.text, text); }))
      principles.push_back({fmt::format("P{}", free_number++), text, "", iteration, {}});
  return constitution;
}

std::vector<Principle> undecided(const Constitution& constitution, const ConstitutionEdits& edits, int iteration) {
  std::vector<Principle> waiting;
  for (const Principle& principle : constitution.principles)
    if (principle.iteration == iteration && !is_pinned_or_accepted(edits, principle.text)) waiting.push_back(principle);
  return waiting;
}

void review(const Stage& stage, int iteration, const ConstitutionEdits& edits) {
  const auto known = stage.store.constitution_of(iteration);
  if (!known || !stage.store.revisions(iteration).empty()) return;
  const ConstitutionEdits decided = with_texts(edits, *known);
  const int free_number = free_principle_number(stage.store, iteration + 1, edits);
  Constitution constitution = with_edits(*known, decided, iteration, stage.config.propose.merge_similarity, free_number);
  if (stage.config.propose.review)
    if (const auto waiting = undecided(constitution, decided, iteration); !waiting.empty())
      throw WaitsForReview(waiting, stage.config.name);
  if (constitution.principles == known->principles) return;
  if (constitution.version == stage.store.constitution(iteration - 1).version) ++constitution.version;
  stage.store.put_review(iteration, constitution, removed_with(stage.store, *known, constitution));
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
