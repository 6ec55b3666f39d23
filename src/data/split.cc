#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "core/random.h"
#include "data/near_duplicates.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Prompts that must stay together.
struct Group {
  std::uint64_t key = 0;  // decides the order within the category; of the member with the smallest one
  std::string category;   // of that member
  std::vector<std::size_t> members;
};

std::map<std::string, std::vector<Group>> groups_by_category(const std::vector<Prompt>& prompts, std::uint64_t seed) {
  const auto numbers = duplicate_groups(prompts);
  std::vector<Group> groups;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto number = static_cast<std::size_t>(numbers[i]);
    if (number == groups.size()) groups.emplace_back();
    Group& group = groups[number];
    const std::uint64_t key = derive_seed(seed, "heldout/" + prompts[i].id);
    if (group.members.empty() || key < group.key) {
      group.key = key;
      group.category = prompts[i].category;
    }
    group.members.push_back(i);
  }
  std::map<std::string, std::vector<Group>> categories;
  for (auto& group : groups) categories[group.category].push_back(std::move(group));
  for (auto& [name, list] : categories)
    std::sort(list.begin(), list.end(),
              [](const Group& a, const Group& b) { return std::pair(a.key, a.members) < std::pair(b.key, b.members); });
  return categories;
}

std::size_t size_of(const std::vector<Group>& groups) {
  std::size_t size = 0;
  for (const auto& group : groups) size += group.members.size();
  return size;
}

// Shares of `total` in proportion to the sizes, rounded by the largest remainder. Ties go to the group with the smallest key.
std::map<std::string, std::size_t> quotas(const std::map<std::string, std::vector<Group>>& categories, std::size_t total, std::size_t all) {
  struct Remainder {
    double rest;
    std::uint64_t key;
    std::string category;
  };
  std::map<std::string, std::size_t> quota;
  std::vector<Remainder> remainders;
  std::size_t given = 0;
  for (const auto& [name, groups] : categories) {
    const double share = static_cast<double>(total) * static_cast<double>(size_of(groups)) / static_cast<double>(all);
    quota[name] = static_cast<std::size_t>(share);
    given += quota[name];
    remainders.push_back({share - std::floor(share), groups.front().key, name});
  }
  std::sort(remainders.begin(), remainders.end(),
            [](const Remainder& a, const Remainder& b) { return a.rest != b.rest ? a.rest > b.rest : a.key < b.key; });
  for (std::size_t i = 0; given < total; ++i, ++given) ++quota[remainders[i].category];
  return quota;
}

}  // namespace

Split split_heldout(const std::vector<Prompt>& prompts, double heldout, std::uint64_t seed) {
  ITERALIGN_CHECK(heldout >= 0.0, "a held-out share is not negative");
  const double wanted = heldout < 1.0 ? heldout * static_cast<double>(prompts.size()) : heldout;
  const auto total = static_cast<std::size_t>(std::llround(wanted));
  if (total > 0 && total >= prompts.size())
    throw Error(ErrorKind::usage,
                std::to_string(total) + " prompts cannot be held out of " + std::to_string(prompts.size()) + ": none is left for training",
                "red_team.heldout", "hold out fewer, or give more prompts");
  const auto categories = groups_by_category(prompts, seed);
  std::vector<bool> out(prompts.size(), false);
  if (total > 0)
    for (auto& [name, quota] : quotas(categories, total, prompts.size())) {
      std::size_t left = quota;
      for (const auto& group : categories.at(name)) {
        if (group.members.size() > left) continue;  // a smaller group may still fit
        left -= group.members.size();
        for (const auto i : group.members) out[i] = true;
      }
    }
  Split split;
  for (std::size_t i = 0; i < prompts.size(); ++i) (out[i] ? split.heldout : split.train).push_back(prompts[i]);
  return split;
}

}  // namespace iteralign
