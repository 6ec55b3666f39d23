// Fused kernels against the plain operators that they replace.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "engine/kernels/decode_attention.h"
#include "engine/kernels/rows.h"
#include "engine/training_model.h"
#include "engine/weight.h"

namespace iteralign {
namespace {

class Kernels : public testing::TestWithParam<at::ScalarType> {
 protected:
  Kernels() { at::manual_seed(1); }
  [[nodiscard]] at::Tensor random(at::IntArrayRef shape) const { return at::randn(shape).to(GetParam()); }
  // What `run` gives with plain operators and with the kernel.
  template <class Run>
  void compare(const Run& run) {
    at::NoGradGuard no_grad;
    const at::Tensor expected = run(*plain(GetParam()).operators), actual = run(*fused(GetParam()).operators);
    ASSERT_EQ(expected.sizes(), actual.sizes());
    ASSERT_EQ(expected.scalar_type(), actual.scalar_type());
    const double tolerance = GetParam() == at::kFloat ? 2e-6 : 1.6e-2;
    EXPECT_TRUE(at::allclose(actual.to(at::kFloat), expected.to(at::kFloat), tolerance, tolerance))
        << (actual.to(at::kFloat) - expected.to(at::kFloat)).abs().max().item<float>();
  }
};

TEST_P(Kernels, RmsNorm) {
  const at::Tensor x = random({37, 576}) * 3, weight = at::randn({576});
  for (const bool rounds_last : {false, true}) {
    compare([&](const Operators& operators) { return operators.rms_norm(x, weight, 1e-5, rounds_last); });
    compare([&](const Operators& operators) {  // no multiple of a vector
      return operators.rms_norm(x.slice(1, 0, 33), weight.slice(0, 0, 33).contiguous(), 1e-5, rounds_last);
    });
  }
}

TEST_P(Kernels, Rope) {
  const at::Tensor qkv = random({21, 15, 64}), angles = at::randn({21, 32}) * 10;
  compare([&](const Operators& operators) { return operators.rope(qkv.narrow(1, 9, 3), angles.cos(), angles.sin()); });
}

TEST_P(Kernels, RopeTurnsTheFirstDimensionsAlone) {
  const at::Tensor x = random({11, 3, 40}), angles = at::randn({11, 15});
  const Rotation rotation = {angles.cos(), angles.sin()};
  const Operators& operators = *fused(GetParam()).operators;
  const at::Tensor turned = turn(operators, x, rotation);
  EXPECT_TRUE(at::equal(turned.narrow(2, 30, 10), x.narrow(2, 30, 10)));
  EXPECT_TRUE(at::equal(turned.narrow(2, 0, 30), operators.rope(x.narrow(2, 0, 30), rotation.cosine, rotation.sine)));
  EXPECT_TRUE(turn(operators, x, {}).is_same(x));
}

TEST_P(Kernels, SwiGlu) {
  const at::Tensor x = random({19, 2 * 1536}) * 8;
  const at::Tensor extreme = at::tensor({-200.0f, -90.0f, 90.0f, 200.0f, 1.0f, 1.0f, 1.0f, 1.0f}).to(GetParam()).view({1, 8});
  for (const at::Tensor& gate_up : {x, extreme})
    compare([&](const Operators& operators) { return operators.gated(gate_up, Activation::silu); });
}

TEST_P(Kernels, DecodeAttention) {
  for (const std::int64_t dim : {64, 40}) {
    for (const auto& [window, softcap] : {std::pair<std::int64_t, double>(0, 0), {7, 0}, {7, 1.5}}) {
      const AttentionRule rule = {1 / std::sqrt(static_cast<double>(dim)), window, softcap};
      constexpr std::int64_t kSlots = 5, kHeads = 6, kKvHeads = 2, kMaxLength = 50;
      const at::Tensor keys = random({kSlots, kKvHeads, kMaxLength, dim}), values = random({kSlots, kKvHeads, kMaxLength, dim});
      const at::Tensor q = random({4, kHeads, dim}), k = random({4, kKvHeads, dim}), v = random({4, kKvHeads, dim});
      const std::vector<std::int64_t> slots = {3, 0, 4}, lengths = {49, 0, 20};  // the last row is padding
      const at::Tensor out = kernels::decode_attention(q, k, v, keys, values, slots, lengths, rule).to(at::kFloat);
      for (std::int64_t r = 0; r < 3; ++r) {
        const std::int64_t slot = slots[static_cast<std::size_t>(r)], length = lengths[static_cast<std::size_t>(r)] + 1;
        EXPECT_TRUE(at::equal(keys[slot].select(1, length - 1), k[r]));
        EXPECT_TRUE(at::equal(values[slot].select(1, length - 1), v[r]));
        const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, length - window) : 0;
        const auto cached = [&](const at::Tensor& x) {
          return x[slot].narrow(1, first, length - first).to(at::kFloat).repeat_interleave(kHeads / kKvHeads, 0);
        };
        at::Tensor scores = at::matmul(cached(keys), q[r].to(at::kFloat).unsqueeze(-1)) * rule.scale;
        if (softcap > 0) scores = at::tanh(scores / softcap) * softcap;
        const at::Tensor expected = at::matmul(scores.softmax(1).transpose(1, 2), cached(values)).view({-1});
        const double tolerance = GetParam() == at::kFloat ? 2e-6 : 1.6e-2;
        EXPECT_TRUE(at::allclose(out[r], expected, tolerance, tolerance)) << (out[r] - expected).abs().max().item<float>();
      }
      EXPECT_EQ(out[3].abs().max().item<float>(), 0.0f);
    }
  }
}

TEST_P(Kernels, PackedProduct) {
  at::NoGradGuard no_grad;
  const at::Tensor weight = random({96, 64}), bias = random({96});
  for (const std::int64_t rows : {1, 20, 33}) {
    const at::Tensor x = random({rows, 64});
    const at::Tensor expected = at::linear(x.to(at::kFloat), weight.to(at::kFloat), bias.to(at::kFloat));
    const double tolerance = GetParam() == at::kFloat ? 1e-5 : 5e-2;
    EXPECT_TRUE(at::allclose(packed_weight(weight, Passes::forward)->multiply(x, bias).to(at::kFloat), expected, tolerance, tolerance));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Kernels, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& type) { return c10::toString(type.param); });

}  // namespace
}  // namespace iteralign
