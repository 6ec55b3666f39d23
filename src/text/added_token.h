#pragma once
// A token that a tokenizer has beside its model's, with its flags.

#include <cstdint>
#include <string>

namespace iteralign {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool single_word = false;             // only where no word character is next to it
  bool lstrip = false, rstrip = false;  // swallows white space on that side
  bool normalized = false;              // searched for in the normalised text
  bool special = false;                 // a control token: left out by decode on request, never found in input
};

}  // namespace iteralign
