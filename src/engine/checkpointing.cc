#include "engine/checkpointing.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/operators/kept.h"

namespace iteralign {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class CheckpointFunction : public torch::autograd::Function<CheckpointFunction> {
 public:
  using Run = std::function<at::Tensor(const at::Tensor&)>;

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Run& run) {
    context->save_for_backward({x});
    keep(*context, run);
    return run(x);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_();
    at::Tensor y;
    {
      const at::AutoGradMode with_grad(true);
      y = kept<Run>(*context)(x);
    }
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), at::Tensor()};
  }
};

}  // namespace

at::Tensor checkpoint(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& run) {
  return CheckpointFunction::apply(x, run);
}

}  // namespace iteralign
