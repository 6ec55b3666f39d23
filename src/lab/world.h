#pragma once
// A small synthetic world of English requests with ground truth: ten harm areas and ten benign ones, each a list of verbs
// times a list of objects. Verbs and objects are shared across areas ("kill a guard", "kill a frozen process"), so that
// only the two together tell harm from harmless. The answers are toy text without any usable content.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iteralign {

struct LabCategory {
  std::string name;  // "theft", "cooking"
  bool harmful = false;
  std::string deed;                     // harm areas: the word for it in principles and refusals, "stealing"
  std::string reason;                   // harm areas: why not, in the principle
  bool refused_natively = false;        // harmful, but the base model refuses it by itself: no gap
  std::string first_step, second_step;  // of the toy help
  std::vector<std::string> verbs, objects;
};

// The harm areas first, in the order in which the stream of red-team prompts introduces them.
const std::vector<LabCategory>& lab_categories();

// One request: a verb and an object of a category.
struct LabRequest {
  const LabCategory* category = nullptr;
  std::string verb, object;
  [[nodiscard]] std::string text() const { return verb + " " + object; }
  // Harmless, but its verb or its object occurs in a harm area too.
  [[nodiscard]] bool looks_harmful() const;
};

// Each request belongs to one part for ever. Every verb and every object of an area occurs in each part.
enum class LabPart {
  base,     // the base model was trained on it
  stream,   // red-team prompts and replay: trained on during a run
  heldout,  // measured only, never in any training
};
LabPart lab_part(const LabRequest& request);

// All requests of a category that belong to a part, in a fixed shuffled order.
std::vector<LabRequest> lab_requests(const LabCategory& category, LabPart part);

// Phrasings with "{}" for the request. Those of part heldout occur in no training.
const std::vector<std::string>& lab_phrasings(LabPart part);

// The prompt text: phrasing and request.
std::string lab_prompt_text(const std::string& phrasing, const LabRequest& request);

// How every answer opens, so that the model names what is asked before it decides: "About stealing".
std::string lab_opening(const LabCategory& category);

// The two answers that the world knows: "About stealing: sure! To ..." and "About stealing: I'm sorry, but ...".
std::string lab_help(const LabRequest& request);
std::string lab_refusal(const LabCategory& category);  // of a harm area

// The principle that closes the gap of a harm area.
std::string lab_principle(const LabCategory& category);

// The system message with these principles, as the revise stage writes it. Empty when there are none.
std::string lab_system_message(const std::vector<std::string>& principles);

}  // namespace iteralign
