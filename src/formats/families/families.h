#pragma once
// The families of models. A new one is a line in this list, and a file beside it that says what it is (family.h). Nothing else names more
// than two.

#include "formats/families/family.h"

// clang-format off
#define ITERALIGN_FAMILIES(FAMILY) \
  FAMILY(llama)                    \
  FAMILY(mistral)                  \
  FAMILY(smollm3)                  \
  FAMILY(qwen2)                    \
  FAMILY(qwen3)                    \
  FAMILY(gemma2)                   \
  FAMILY(gemma3)                   \
  FAMILY(phi3)                     \
  FAMILY(olmo2)
// clang-format on

namespace iteralign {

namespace families {
#define ITERALIGN_DECLARE_FAMILY(name) extern const Family name;
ITERALIGN_FAMILIES(ITERALIGN_DECLARE_FAMILY)
#undef ITERALIGN_DECLARE_FAMILY
}  // namespace families

const std::vector<const Family*>& all_families();

// The first of them of this model_type, or of this architecture of GGUF files; nullptr when there is none.
const Family* find_family(std::string_view model_type);
const Family* find_gguf_family(std::string_view architecture);

}  // namespace iteralign
