#include "engine/operators/training_linear.h"

#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "engine/linear.h"
#include "engine/operators/kept.h"

namespace iteralign {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// The part of one LoRA module in a fused linear layer: its columns of the output and of x A^T.
struct LoraPart {
  const Lora* lora;
  std::int64_t out_begin, out, rank_begin, rank;
};

std::vector<LoraPart> lora_parts(const Linear& linear) {
  std::vector<LoraPart> parts;
  std::int64_t out = 0, rank = 0;
  for (const LinearModule& module : linear.modules()) {
    const std::int64_t rows = module.weight.size(0);
    if (module.lora) {
      parts.push_back({module.lora.get(), out, rows, rank, module.lora->a.size(0)});
      rank += module.lora->a.size(0);
    }
    out += rows;
  }
  return parts;
}

// The factors A of all parts, [sum of ranks, in]: x is read once for all.
at::Tensor all_a(const std::vector<LoraPart>& parts, at::ScalarType dtype) {
  std::vector<at::Tensor> factors;
  for (const LoraPart& part : parts) factors.push_back(part.lora->a.to(dtype));
  return factors.size() == 1 ? factors[0] : at::cat(factors, 0);
}

// y = x W^T + bias, and for each module with LoRA y_i += scale_i (x A_i^T) B_i^T. Kept: x and x A^T.
class LinearFunction : public Function<LinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const std::shared_ptr<const Linear>& linear,
                            at::TensorList /*parameters*/) {
    at::Tensor y = linear->training_weight()->multiply(x, linear->fused_bias());
    const std::vector<LoraPart> parts = lora_parts(*linear);
    at::Tensor input = x, mask, xa;
    if (!parts.empty()) {
      const double dropout = parts[0].lora->dropout;
      if (dropout > 0) {
        mask = dropout_mask(x, dropout, linear->dropout_seed());
        input = x * mask;
      }
      xa = at::linear(input, all_a(parts, x.scalar_type()));
      for (const LoraPart& part : parts) {
        y.narrow(1, part.out_begin, part.out)
            .addmm_(xa.narrow(1, part.rank_begin, part.rank), part.lora->b.to(x.scalar_type()).t(), 1, part.lora->scale);
      }
    }
    keep(*context, linear);
    if (!parts.empty() || linear->trains_weights()) context->save_for_backward({input, xa, mask});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Linear& linear = *kept<std::shared_ptr<const Linear>>(*context);
    const at::Tensor dy = gradients[0].contiguous();
    const std::vector<LoraPart> parts = lora_parts(linear);
    const variable_list saved = context->get_saved_variables();

    at::Tensor dx, dxa, a;
    if (context->needs_input_grad(0)) dx = linear.training_weight()->multiply_back(dy);
    if (!parts.empty()) {
      a = all_a(parts, dy.scalar_type());
      dxa = at::empty({dy.size(0), a.size(0)}, dy.options());
      for (const LoraPart& part : parts) {
        dxa.narrow(1, part.rank_begin, part.rank)
            .addmm_(dy.narrow(1, part.out_begin, part.out), part.lora->b.to(dy.scalar_type()), 0, part.lora->scale);
      }
      if (dx.defined()) saved[2].defined() ? dx.add_(dxa.mm(a).mul_(saved[2])) : dx.addmm_(dxa, a);
    }
    variable_list result = {dx, at::Tensor()};
    add_parameter_gradients(linear, parts, dy, dxa, saved, result);
    return result;
  }

  // What forward() gets as `parameters`, in the order in which backward() gives the gradients.
  static std::vector<at::Tensor> parameters(const Linear& linear) {
    std::vector<at::Tensor> all;
    for (const LinearModule& module : linear.modules()) {
      if (module.weight.requires_grad()) all.push_back(module.weight);
      if (module.bias.defined() && module.bias.requires_grad()) all.push_back(module.bias);
      if (module.lora) all.insert(all.end(), {module.lora->a, module.lora->b});
    }
    return all;
  }

 private:
  static void add_parameter_gradients(const Linear& linear, const std::vector<LoraPart>& parts, const at::Tensor& dy, const at::Tensor& dxa,
                                      const variable_list& saved, variable_list& result) {
    const at::Tensor dweight = linear.trains_weights() ? dy.t().mm(saved[0]).to(at::kFloat) : at::Tensor();
    const at::Tensor da = parts.empty() ? at::Tensor() : dxa.t().mm(saved[0]).to(at::kFloat);
    std::int64_t out = 0;
    auto part = parts.begin();
    for (const LinearModule& module : linear.modules()) {
      const std::int64_t rows = module.weight.size(0);
      if (module.weight.requires_grad()) result.push_back(dweight.narrow(0, out, rows));
      if (module.bias.defined() && module.bias.requires_grad()) result.push_back(dy.narrow(1, out, rows).sum(0, false, at::kFloat));
      if (module.lora) {
        result.push_back(da.narrow(0, part->rank_begin, part->rank));
        const at::Tensor db = saved[1].narrow(1, part->rank_begin, part->rank).t().mm(dy.narrow(1, out, rows));  // [rank, out]
        result.push_back(db.t().to(at::kFloat).mul_(part->lora->scale));
        ++part;
      }
      out += rows;
    }
  }
};

}  // namespace

at::Tensor training_linear(const at::Tensor& x, const std::shared_ptr<const Linear>& linear) {
  return LinearFunction::apply(x, linear, at::TensorList(LinearFunction::parameters(*linear)));
}

at::Tensor dropout_mask(const at::Tensor& x, double dropout, std::uint64_t seed) {
  at::Generator generator = at::globalContext().defaultGenerator(x.device()).clone();
  generator.set_current_seed(seed);
  return at::empty_like(x).bernoulli_(1.0 - dropout, generator).div_(1.0 - dropout);
}

}  // namespace iteralign
