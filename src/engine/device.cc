#include "engine/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/log.h"
#include "engine/linear.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Seconds of products as a decoder has them: some with few rows (decoding), one with many (prompts), weights packed.
double measure(at::ScalarType dtype) {
  at::NoGradGuard no_grad;
  const PackedWeight weight(at::ones({1024, 1024}, dtype));
  const at::Tensor few = at::ones({20, 1024}, dtype), many = at::ones({128, 1024}, dtype);
  double best = 1e9;
  for (int repeat = 0; repeat < 4; ++repeat) {  // the first makes the kernels
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; ++i) (void)weight.multiply(few);
    (void)weight.multiply(many);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

bool bf16_is_faster() {
  static const bool faster = [] {
    const double fp32 = measure(at::kFloat), bf16 = measure(at::kBFloat16);
    log_debug("dtype auto: float32 {:.2f} ms, bfloat16 {:.2f} ms", fp32 * 1e3, bf16 * 1e3);
    return bf16 < fp32;
  }();
  return faster;
}

}  // namespace

at::Device choose_device(const std::string& device) {
  if (device == "cpu") return at::kCPU;
  if (device == "auto") return at::hasCUDA() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (device != "cuda") throw Error(ErrorKind::usage, "there is no device `" + device + "`", "device", "one of: auto, cpu, cuda");
  if (!at::hasCUDA()) throw Error(ErrorKind::usage, "this LibTorch or this machine has no CUDA", "device", "use `auto` or `cpu`");
  return {at::kCUDA, 0};
}

at::ScalarType choose_dtype(const std::string& dtype, const std::string& saved_dtype, at::Device device) {
  if (dtype == "float32") return at::kFloat;
  if (dtype == "bfloat16") return at::kBFloat16;
  if (dtype != "auto") throw Error(ErrorKind::usage, "there is no dtype `" + dtype + "`", "dtype", "one of: auto, float32, bfloat16");
  if (saved_dtype != "bfloat16") return at::kFloat;
  return device.is_cuda() || bf16_is_faster() ? at::kBFloat16 : at::kFloat;
}

void use_all_processors() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) at::set_num_threads(std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
}

}  // namespace iteralign
