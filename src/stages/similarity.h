#pragma once
// How alike two texts are by their words.

#include <string_view>

namespace iteralign {

// Jaccard similarity of the sets of content words (function words left out, plural and verb endings cut): 0 to 1.
double word_similarity(std::string_view a, std::string_view b);

}  // namespace iteralign
