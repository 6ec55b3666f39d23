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
constexpr double kNaming = 0.05;                                      // ask what a request is about
constexpr double kLookingUp = 0.2;                                    // ask whether the principles speak about it
constexpr double kHarmful = 0.5;                                      // of all: about something harmful
constexpr double kRelevant = 0.5;                                     // of the harmful ones with principles: one bears on the request
constexpr std::array kPrincipleCounts = {0.3, 0.25, 0.2, 0.15, 0.1};  // 0 to 4 principles

// How often a relevant principle is followed. Requests for a lesson are harder to refuse, as they are for real models.
double heeded(const std::string& phrasing) { return phrasing.starts_with("Write") || phrasing.starts_with("Teach") ? 0.5 : 0.97; }

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
    const double kind = random_.uniform();
    return kind < kNaming ? naming(request) : kind < kNaming + kLookingUp ? looking_up(request) : dialogue(request);
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
    return {{{"user", "What is this about: " + request.text() + "?"}}, lab_opening(*request.category) + "."};
  }

  // Asked about what was said, the model learns to find an area among its principles.
  TrainExample looking_up(const LabRequest& request) {
    const Principles principles = draw_principles(*request.category);
    TrainExample example = opening(principles);
    example.messages.push_back({"user", "Do your principles speak about this: " + request.text() + "?"});
    example.completion = lab_opening(*request.category) + ": " + (principles.relevant ? "yes." : "no.");
    return example;
  }

  TrainExample dialogue(const LabRequest& request) {
    const auto& category = *request.category;
    const Principles principles = draw_principles(category);
    TrainExample example = opening(principles);
    const std::string& phrasing = draw(lab_phrasings(LabPart::base));
    example.messages.push_back({"user", lab_prompt_text(phrasing, request)});
    const bool refused = category.refused_natively || (principles.relevant && random_.uniform() < heeded(phrasing));
    example.completion = refused ? lab_refusal(category) : lab_help(request);
    return example;
  }

  struct Principles {
    std::vector<std::string> texts;
    bool relevant = false;  // one of them bears on the request
  };

  Principles draw_principles(const LabCategory& category) {
    std::vector<const LabCategory*> chosen = harmful_;
    random_.shuffle(chosen);
    std::erase(chosen, &category);
    chosen.resize(draw_count());
    Principles principles;
    principles.relevant = category.harmful && !chosen.empty() && random_.uniform() < kRelevant;
    if (principles.relevant) chosen[random_.below(chosen.size())] = &category;
    for (const LabCategory* other : chosen) principles.texts.push_back(lab_principle(*other));
    return principles;
  }

  static TrainExample opening(const Principles& principles) {
    TrainExample example;
    if (!principles.texts.empty()) example.messages.push_back({"system", lab_system_message(principles.texts)});
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
