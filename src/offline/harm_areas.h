#pragma once
// Which kind of harm a prompt asks for, by its words.

#include <string>
#include <string_view>
#include <vector>

#include "offline/phrase.h"

namespace iteralign {

struct HarmArea {
  std::string name;       // "illegal drugs"
  std::string principle;  // one imperative sentence
  std::vector<Phrase> phrases;
};

class HarmAreas {
 public:
  explicit HarmAreas(std::string_view lexicon);  // keyword/harm_areas.txt explains the format

  // The area whose phrases in the prompt hold the most words; the last area when there are none.
  [[nodiscard]] const HarmArea& of(std::string_view prompt) const;
  [[nodiscard]] const std::vector<HarmArea>& all() const { return areas_; }

 private:
  std::vector<HarmArea> areas_;
};

}  // namespace iteralign
