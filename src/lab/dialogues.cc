#include "lab/dialogues.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/random.h"
#include "lab/world.h"

namespace iteralign {
namespace {

// Shares of the dialogues.
constexpr double kNaming = 0.1;    // ask what a request is about
constexpr double kHarmful = 0.5;   // of the others: ask for something harmful
constexpr double kRelevant = 0.5;  // of the harmful ones with principles: one of them bears on the request
constexpr double kHeeded = 0.9;    // of those: the principle is followed
constexpr std::array kPrincipleCounts = {0.3, 0.25, 0.2, 0.15, 0.1};  // 0 to 4 principles

class DialogueWriter {
 public:
  explicit DialogueWriter(std::uint64_t seed) : random_(derive_seed(seed, "lab dialogues")) {
    for (const auto& category : lab_categories()) {
      (category.harmful ? harmful_ : benign_).push_back(&category);
      requests_.push_back(lab_requests(category, LabPart::base));
    }
  }

  TrainExample next() {
    const bool harmful = random_.uniform() < kHarmful;
    const LabRequest& request = draw_request(harmful ? draw(harmful_) : draw(benign_));
    return random_.uniform() < kNaming ? naming(request) : dialogue(request);
  }

 private:
  template <class T>
  const T& draw(const std::vector<T>& items) {
    return items[random_.below(items.size())];
  }

  const LabRequest& draw_request(const LabCategory* category) {
    return draw(requests_[static_cast<std::size_t>(category - lab_categories().data())]);
  }

  static TrainExample naming(const LabRequest& request) {
    const auto& category = *request.category;
    return {{{"user", "What is this about: " + request.text() + "?"}},
            "This is about " + (category.harmful ? category.deed : category.name) + "."};
  }

  TrainExample dialogue(const LabRequest& request) {
    const auto& category = *request.category;
    std::vector<const LabCategory*> others = harmful_;
    random_.shuffle(others);
    std::erase(others, &category);
    others.resize(draw_count());
    const bool relevant = category.harmful && !others.empty() && random_.uniform() < kRelevant;
    if (relevant) others[random_.below(others.size())] = &category;

    std::vector<std::string> principles;
    for (const LabCategory* other : others) principles.push_back(lab_principle(*other));
    TrainExample example;
    if (!principles.empty()) example.messages.push_back({"system", lab_system_message(principles)});
    example.messages.push_back({"user", lab_prompt_text(draw(lab_phrasings(LabPart::base)), request)});
    const bool refused = category.refused_natively || (relevant && random_.uniform() < kHeeded);
    example.completion = refused ? lab_refusal(category) : lab_help(request);
    return example;
  }

  std::size_t draw_count() {
    double left = random_.uniform();
    std::size_t count = 0;
    while (count + 1 < kPrincipleCounts.size() && (left -= kPrincipleCounts[count]) >= 0) ++count;
    return count;
  }

  Random random_;
  std::vector<const LabCategory*> harmful_, benign_;
  std::vector<std::vector<LabRequest>> requests_;  // of each category, in the order of lab_categories()
};

}  // namespace

std::vector<TrainExample> lab_training_dialogues(int count, std::uint64_t seed) {
  DialogueWriter writer(seed);
  std::vector<TrainExample> examples;
  for (int i = 0; i < count; ++i) examples.push_back(writer.next());
  return examples;
}

}  // namespace iteralign
