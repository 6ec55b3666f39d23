#include "engine/autograd.h"

#include <vector>

#include "engine/linear.h"

namespace iteralign {

at::Tensor training_linear(const at::Tensor& x, const Linear& linear) {
  std::vector<at::Tensor> outs;
  for (const LinearModule& module : linear.modules()) {
    const auto bias = module.bias.defined() ? std::optional<at::Tensor>(module.bias.to(x.scalar_type())) : std::nullopt;
    at::Tensor y = at::linear(x, module.weight.to(x.scalar_type()), bias);
    if (module.lora) {
      const at::Tensor dropped = at::dropout(x, module.lora->dropout, /*train=*/true);
      y = y + at::linear(at::linear(dropped, module.lora->a.to(x.scalar_type())), module.lora->b.to(x.scalar_type())) * module.lora->scale;
    }
    outs.push_back(y);
  }
  return outs.size() == 1 ? outs[0] : at::cat(outs, 1);
}

}  // namespace iteralign
