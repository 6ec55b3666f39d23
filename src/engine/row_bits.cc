#include "engine/row_bits.h"

#include <set>

namespace iteralign {

std::int64_t RowBits::of_step(std::int64_t sequences) {
  for (std::int64_t rows = 1; rows < slots_; rows = rows < 4 ? rows * 2 : rows + 4) {
    if (rows >= sequences && same_as_whole_step(rows)) return rows;
  }
  return slots_;
}

// True when, for the products of every shape in the model, these rows of `rows` random ones give alone what they give among all.
bool RowBits::same_alone(std::int64_t rows, const std::vector<std::pair<std::int64_t, std::int64_t>>& parts) const {
  std::set<std::pair<std::int64_t, std::int64_t>> shapes;  // what a product does depends on its shape alone
  for (const Linear* linear : model_.linears()) {
    if (!shapes.insert({linear->in_features(), linear->out_features()}).second) continue;
    const at::Tensor x = at::randn({rows, linear->in_features()}, at::TensorOptions().device(model_.device())).to(model_.dtype()),
                     y = linear->forward(x);
    for (const auto& [first, count] : parts)
      if (!at::equal(y.narrow(0, first, count), linear->forward(x.narrow(0, first, count)))) return false;
  }
  return true;
}

bool RowBits::same_as_whole_step(std::int64_t rows) {
  const auto known = same_.find(rows);
  if (known != same_.end()) return known->second;
  return same_[rows] = same_alone(slots_, {{0, rows}});
}

bool RowBits::are_independent() {
  if (!independent_) independent_ = same_alone(kMostRows, {{0, 1}, {1, 6}, {7, 23}, {30, 61}, {91, 128}, {219, 293}, {5, 300}});
  return *independent_;
}

}  // namespace iteralign
