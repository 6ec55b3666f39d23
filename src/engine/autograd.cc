#include "engine/autograd.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "engine/kernels/rows.h"
#include "engine/kernels/training.h"
#include "engine/linear.h"
#include "engine/ops.h"

namespace iteralign {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Autograd keeps values, not pointers to what is not a tensor.
template <class T>
std::int64_t as_value(const T* pointer) {
  return reinterpret_cast<std::int64_t>(pointer);
}
template <class T>
const T& from_value(const c10::IValue& value) {
  return *reinterpret_cast<const T*>(value.toInt());
}

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

// 0 or 1 / (1 - dropout) for each element of x. Modules that share an input share its dropout.
at::Tensor dropout_mask(const at::Tensor& x, double dropout, std::uint64_t seed) {
  at::Generator generator = at::globalContext().defaultGenerator(x.device()).clone();
  generator.set_current_seed(seed);
  return at::empty_like(x).bernoulli_(1.0 - dropout, generator).div_(1.0 - dropout);
}

// y = x W^T + bias, and for each module with LoRA y_i += scale_i (x A_i^T) B_i^T. Kept: x and x A^T.
class LinearFunction : public Function<LinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Linear* linear, at::TensorList /*parameters*/) {
    at::Tensor y = linear->training_weight().multiply(x, linear->fused_bias());
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
    context->saved_data["linear"] = as_value(linear);
    if (!parts.empty() || linear->trains_weights()) context->save_for_backward({input, xa, mask});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Linear& linear = from_value<Linear>(context->saved_data["linear"]);
    const at::Tensor dy = gradients[0].contiguous();
    const std::vector<LoraPart> parts = lora_parts(linear);
    const variable_list saved = context->get_saved_variables();

    at::Tensor dx, dxa, a;
    if (context->needs_input_grad(0)) dx = linear.training_weight().multiply_back(dy);
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

class RmsNormFunction : public Function<RmsNormFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_any, const at::Tensor& weight, double eps, bool rounds_last) {
    const at::Tensor x = x_any.contiguous();
    context->save_for_backward({x, weight});
    context->saved_data["eps"] = eps;
    return kernels::rms_norm(x, weight, eps, rounds_last);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    auto [dx, dweight] =
        kernels::rms_norm_backward(gradients[0], saved[0], saved[1], context->saved_data["eps"].toDouble(), context->needs_input_grad(1));
    return {dx, dweight, at::Tensor(), at::Tensor()};
  }
};

// The backward pass turns back.
class RopeFunction : public Function<RopeFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
    context->save_for_backward({cosine, sine});
    return kernels::rope(x, cosine, sine);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    return {kernels::rope(gradients[0].contiguous(), saved[0], saved[1].neg()), at::Tensor(), at::Tensor()};
  }
};

class SwigluFunction : public Function<SwigluFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up_any) {
    const at::Tensor gate_up = gate_up_any.contiguous();
    context->save_for_backward({gate_up});
    return kernels::swiglu(gate_up);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {kernels::swiglu_backward(gradients[0], context->get_saved_variables()[0])};
  }
};

// About 25 MB of logits at a time for a vocabulary of 50,000: they stay in the cache between product, soft-max and product.
constexpr std::int64_t kLogitsPerChunk = 6 << 20;

std::int64_t logit_rows(const Linear& lm_head) { return std::max<std::int64_t>(16, kLogitsPerChunk / lm_head.out_features()); }

// Soft-max cross-entropy of each row, [n] fp32; logits become scale * d loss / d logits.
at::Tensor cross_entropy_(at::Tensor& logits, const at::Tensor& targets, double scale) {
  if (logits.is_cpu()) return kernels::cross_entropy_(logits, targets, scale);
  const at::Tensor wide = logits.to(at::kFloat), log_sum = wide.logsumexp(1, true), index = targets.unsqueeze(1);
  const at::Tensor losses = (log_sum - wide.gather(1, index)).squeeze(1);
  logits.copy_((wide - log_sum).exp_().scatter_add_(1, index, at::full({index.size(0), 1}, -1.0, wide.options())).mul_(scale));
  return losses;
}

// Kept: d hidden, and d weight when it is wanted.
class CrossEntropyFunction : public Function<CrossEntropyFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                            const Linear* lm_head, double scale, double cap, const std::optional<at::Tensor>& weights) {
    const TrainingWeight matrix = lm_head->training_weight();  // [vocabulary, hidden_size]
    const std::int64_t rows = hidden.size(0), chunk = logit_rows(*lm_head);
    const at::Tensor dhidden = at::empty_like(hidden);
    const at::Tensor dweight = weight.requires_grad() ? at::zeros_like(weight) : at::Tensor();
    double total = 0;
    for (std::int64_t begin = 0; begin < rows; begin += chunk) {
      const std::int64_t count = std::min(chunk, rows - begin);
      const at::Tensor h = hidden.narrow(0, begin, count);
      at::Tensor logits = softcap(matrix.multiply(h), cap);
      const at::Tensor slope = cap == 0 ? at::Tensor() : 1 - (logits / cap).square();  // of the cap
      at::Tensor losses = cross_entropy_(logits, targets.narrow(0, begin, count), scale);
      if (slope.defined()) logits.mul_(slope);
      if (weights) {
        const at::Tensor part = weights->narrow(0, begin, count);
        losses.mul_(part);
        logits.mul_(part.unsqueeze(1));
      }
      total += losses.sum(at::kDouble).item<double>();
      dhidden.narrow(0, begin, count).copy_(matrix.multiply_back(logits));
      if (!dweight.defined()) continue;
      dweight.scalar_type() == logits.scalar_type() ? dweight.addmm_(logits.t(), h) : dweight.add_(logits.t().mm(h));
    }
    context->save_for_backward({dhidden, dweight});
    return at::full({}, total * scale, hidden.options().dtype(at::kFloat));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const double factor = gradients[0].item<double>();
    const auto times = [&](const at::Tensor& gradient) { return gradient.defined() && factor != 1 ? gradient * factor : gradient; };
    return {times(saved[0]), times(saved[1]), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

class CheckpointFunction : public Function<CheckpointFunction> {
 public:
  using Run = std::function<at::Tensor(const at::Tensor&)>;

  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Run& run) {
    context->save_for_backward({x});
    context->saved_data["run"] = c10::IValue::make_capsule(c10::make_intrusive<Kept>(run));
    return run(x);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_();
    at::Tensor y;
    {
      const at::AutoGradMode with_grad(true);
      y = static_cast<Kept&>(*context->saved_data["run"].toCapsule()).run(x);
    }
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), at::Tensor()};
  }

 private:
  struct Kept : torch::CustomClassHolder {
    explicit Kept(Run function) : run(std::move(function)) {}
    Run run;
  };
};

}  // namespace

at::Tensor training_linear(const at::Tensor& x, const Linear& linear) {
  if (!fused_kernels()) return reference_linear(x, linear);
  return LinearFunction::apply(x, &linear, at::TensorList(LinearFunction::parameters(linear)));
}

at::Tensor reference_linear(const at::Tensor& x, const Linear& linear) {
  std::vector<at::Tensor> outs;
  for (const LinearModule& module : linear.modules()) {
    const auto bias = module.bias.defined() ? std::optional<at::Tensor>(module.bias.to(x.scalar_type())) : std::nullopt;
    at::Tensor y = at::linear(x, module.weight.to(x.scalar_type()), bias);
    if (module.lora) {
      const double dropout = module.lora->dropout;
      const at::Tensor input = dropout > 0 ? x * dropout_mask(x, dropout, linear.dropout_seed()) : x;
      y = y + at::linear(at::linear(input, module.lora->a.to(x.scalar_type())), module.lora->b.to(x.scalar_type())) * module.lora->scale;
    }
    outs.push_back(y);
  }
  return outs.size() == 1 ? outs[0] : at::cat(outs, 1);
}

at::Tensor training_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last) {
  return RmsNormFunction::apply(x, weight, eps, rounds_last);
}

at::Tensor training_rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  return RopeFunction::apply(x, cosine, sine);
}

at::Tensor training_swiglu(const at::Tensor& gate_up) { return SwigluFunction::apply(gate_up); }

at::Tensor training_cross_entropy(const at::Tensor& hidden, const at::Tensor& targets, const Linear& lm_head, double scale, double cap) {
  return CrossEntropyFunction::apply(hidden.contiguous(), lm_head.modules()[0].weight, targets, &lm_head, scale, cap, std::nullopt);
}

at::Tensor training_weighted_cross_entropy(const at::Tensor& hidden, const at::Tensor& targets, const Linear& lm_head,
                                           const at::Tensor& weights, double cap) {
  return CrossEntropyFunction::apply(hidden.contiguous(), lm_head.modules()[0].weight, targets, &lm_head, 1.0, cap,
                                     std::optional<at::Tensor>(weights));
}

at::Tensor token_losses(const at::Tensor& hidden, const at::Tensor& targets, const Linear& lm_head, double cap) {
  const at::NoGradGuard no_grad;
  const TrainingWeight matrix = lm_head.training_weight();
  const std::int64_t rows = hidden.size(0), chunk = logit_rows(lm_head);
  std::vector<at::Tensor> losses;
  for (std::int64_t begin = 0; begin < rows; begin += chunk) {
    const std::int64_t count = std::min(chunk, rows - begin);
    at::Tensor logits = softcap(matrix.multiply(hidden.narrow(0, begin, count).contiguous()), cap);
    losses.push_back(cross_entropy_(logits, targets.narrow(0, begin, count), 1.0));
  }
  return at::cat(losses);
}

at::Tensor checkpoint(const at::Tensor& x, const std::function<at::Tensor(const at::Tensor&)>& run) {
  return CheckpointFunction::apply(x, run);
}

}  // namespace iteralign
