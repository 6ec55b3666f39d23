#include "engine/row_bits.h"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include "engine/training_model.h"

namespace iteralign {
namespace {

// LibTorch seeds its own generator otherwise in every process: what is measured with it may come out otherwise too, and with it the bits of
// an answer.
TEST(RowBits, DrawNothingFromTheGeneratorOfTheProcess) {
  const TemporaryFolder folder;
  write_tiny_model(folder.path());
  const auto model = open_tiny_model(folder.path(), backend_for(at::kCPU, at::kBFloat16));
  model->prepare_inference();
  const at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
  const at::Tensor before = generator.get_state();
  RowBits bits(*model, /*slots=*/8);
  EXPECT_GE(bits.of_step(3), 3);
  (void)bits.are_independent();
  EXPECT_TRUE(at::equal(generator.get_state(), before));
}

}  // namespace
}  // namespace iteralign
