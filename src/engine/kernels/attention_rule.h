#pragma once

#include <cstdint>

namespace iteralign {

// How a layer weighs its keys.
struct AttentionRule {
  double scale = 1;         // of q k^T
  std::int64_t window = 0;  // > 0: a query sees that many keys, itself included
  double softcap = 0;       // > 0: a score s becomes softcap * tanh(s / softcap) (Gemma 2)
};

}  // namespace iteralign
