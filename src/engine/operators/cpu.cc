#include "engine/operators/cpu.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/kernels/decode_attention.h"
#include "engine/kernels/rows.h"
#include "engine/kernels/training.h"
#include "engine/operators/reference.h"

namespace iteralign::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

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

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps, bool rounds_last) {
  return at::GradMode::is_enabled() ? RmsNormFunction::apply(x, weight, eps, rounds_last) : kernels::rms_norm(x, weight, eps, rounds_last);
}

at::Tensor rope(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  return at::GradMode::is_enabled() ? RopeFunction::apply(x, cosine, sine) : kernels::rope(x, cosine, sine);
}

at::Tensor gated(const at::Tensor& gate_up, Activation activation) {
  if (activation != Activation::silu) return reference::gated(gate_up, activation);
  return at::GradMode::is_enabled() ? SwigluFunction::apply(gate_up) : kernels::swiglu(gate_up);
}

at::Tensor decode_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& keys, const at::Tensor& values,
                            const DecodeRows& rows, const AttentionRule& rule) {
  return kernels::decode_attention(q, k, v, keys, values, rows.slots, rows.lengths, rule);
}

at::Tensor cross_entropy_(at::Tensor& logits, const at::Tensor& targets, double scale) {
  return kernels::cross_entropy_(logits, targets, scale);
}

}  // namespace iteralign::cpu
