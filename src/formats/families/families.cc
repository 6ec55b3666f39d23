#include "formats/families/families.h"

#include <algorithm>

namespace iteralign {

const std::vector<const Family*>& all_families() {
#define ITERALIGN_FAMILY_ADDRESS(name) &families::name,
  static const std::vector<const Family*> all = {ITERALIGN_FAMILIES(ITERALIGN_FAMILY_ADDRESS)};
#undef ITERALIGN_FAMILY_ADDRESS
  return all;
}

const Family* find_family(std::string_view model_type) {
  const auto found = std::ranges::find(all_families(), model_type, &Family::model_type);
  return found == all_families().end() ? nullptr : *found;
}

const Family* find_gguf_family(std::string_view architecture) {
  const auto found = std::ranges::find(all_families(), architecture, [](const Family* family) { return family->gguf.architecture; });
  return found == all_families().end() ? nullptr : *found;
}

}  // namespace iteralign
