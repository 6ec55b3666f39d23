#include "engine/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/log.h"
#include "engine/weight.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// Products as a decoder has them: some with few rows (decoding), one with many (prompts), weights packed.
class Products {
 public:
  explicit Products(at::ScalarType dtype)
      : weight_(packed_weight(at::ones({1024, 1024}, dtype), Passes::forward)),
        few_(at::ones({20, 1024}, dtype)),
        many_(at::ones({128, 1024}, dtype)) {}
  double seconds() const {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 4; ++i) (void)weight_->multiply(few_, {});
    (void)weight_->multiply(many_, {});
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  std::shared_ptr<const Weight> weight_;
  at::Tensor few_, many_;
};

// In turn, and the median of the ratios: on a busy machine some of them are off by any factor.
bool bf16_is_faster() {
  static const bool faster = [] {
    constexpr std::size_t kRounds = 9;
    at::NoGradGuard no_grad;
    const Products fp32(at::kFloat), bf16(at::kBFloat16);
    (void)fp32.seconds(), (void)bf16.seconds();  // these make the kernels
    std::vector<double> ratios;
    for (std::size_t round = 0; round < kRounds; ++round) {
      const double seconds = fp32.seconds();
      ratios.push_back(bf16.seconds() / seconds);
    }
    std::ranges::nth_element(ratios, ratios.begin() + kRounds / 2);
    log_debug("dtype auto: bfloat16 takes {:.2f} times as long as float32", ratios[kRounds / 2]);
    return ratios[kRounds / 2] < 1;
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
