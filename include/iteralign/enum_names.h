#pragma once
// Enumerations by name: what files, tables and the command line call their values.

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace iteralign {

// The names of E in the order of its values; given where E is declared.
template <class E>
inline constexpr std::array<const char*, 0> kNames{};

template <class E>
requires(!kNames<E>.empty()) const char* name(E value) { return kNames<E>.at(static_cast<std::size_t>(value)); }

// The value of this name; nothing where there is none.
template <class E>
requires(!kNames<E>.empty()) std::optional<E> named(std::string_view wanted) {
  for (std::size_t i = 0; i < kNames<E>.size(); ++i)
    if (wanted == kNames<E>[i]) return static_cast<E>(i);
  return std::nullopt;
}

}  // namespace iteralign
