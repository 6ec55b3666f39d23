#pragma once
// What an autograd function keeps for its backward pass beside tensors: one C++ value, which lives as long as the graph does.

#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "iteralign/error.h"

namespace iteralign {

template <class T>
struct Kept final : torch::CustomClassHolder {
  explicit Kept(T kept) : value(std::move(kept)) {}
  T value;
};

template <class T>
void keep(torch::autograd::AutogradContext& context, T value) {
  context.saved_data["kept"] = c10::IValue::make_capsule(c10::make_intrusive<Kept<T>>(std::move(value)));
}

// What keep<T>() was given; another T is a bug.
template <class T>
const T& kept(torch::autograd::AutogradContext& context) {
  const auto* holder = dynamic_cast<const Kept<T>*>(context.saved_data["kept"].toCapsule().get());
  ITERALIGN_CHECK(holder != nullptr, "a backward pass asks for what its forward pass did not keep");
  return holder->value;
}

}  // namespace iteralign
