// Attention while training (cpu.h), one thread for each key-value head of a sequence.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "engine/kernels/causal_softmax.h"
#include "engine/operators/cpu.h"
#include "engine/operators/kept.h"
#include "engine/operators/reference.h"

namespace iteralign::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Queries at a time: keys after the last of them are not multiplied at all.
constexpr std::int64_t kPositionsPerBlock = 64;

constexpr std::int64_t kWorkPerThread = 1 << 18;  // multiplications; less is not worth waking one

// One key-value head of one sequence, with the query heads that share it: the unit of work of one thread.
struct Task {
  std::int64_t begin, length, kv_head, heads;  // heads: query heads of the kv head

  // Rows first, first + 1, ... of x [n, all heads, dim] as fp32 [count * heads, dim]: position by position.
  [[nodiscard]] at::Tensor queries(const at::Tensor& x, std::int64_t first, std::int64_t count) const {
    return x.narrow(0, begin + first, count).narrow(1, kv_head * heads, heads).to(at::kFloat).reshape({count * heads, x.size(2)});
  }
  void store_queries(const at::Tensor& x, std::int64_t first, std::int64_t count, const at::Tensor& rows) const {
    x.narrow(0, begin + first, count).narrow(1, kv_head * heads, heads).copy_(rows.view({count, heads, x.size(2)}));
  }
  // The sequence's rows of x [n, kv_heads, dim]: [length, dim].
  [[nodiscard]] at::Tensor keys(const at::Tensor& x) const { return x.narrow(0, begin, length).select(1, kv_head); }
  // Where this task's first value of position `first` lies in an [n, all heads] fp32 tensor.
  [[nodiscard]] float* rows_of(const at::Tensor& x, std::int64_t first) const {
    return x.mutable_data_ptr<float>() + (begin + first) * x.size(1) + kv_head * heads;
  }
  [[nodiscard]] kernels::CausalBlock block(std::int64_t first, std::int64_t count, const AttentionRule& rule) const {
    return {first, count, heads, first + count, rule.window, static_cast<float>(rule.scale)};
  }
};

template <class Run>
void for_each_task(const std::vector<std::int64_t>& lengths, const at::Tensor& q, const at::Tensor& k, const Run& run) {
  std::vector<Task> tasks;
  std::int64_t begin = 0;
  for (const std::int64_t length : lengths) {
    for (std::int64_t head = 0; head < k.size(1); ++head) tasks.push_back({begin, length, head, q.size(1) / k.size(1)});
    begin += length;
  }
  const std::int64_t work =
      std::max<std::int64_t>(1, begin * begin / static_cast<std::int64_t>(lengths.size() * lengths.size())) * q.size(2);
  at::parallel_for(0, static_cast<std::int64_t>(tasks.size()), 1 + kWorkPerThread / work, [&](std::int64_t first, std::int64_t last) {
    const at::NoGradGuard no_grad;  // a property of the thread
    for (std::int64_t i = first; i < last; ++i) run(tasks[static_cast<std::size_t>(i)]);
  });
}

void forward_task(const Task& task, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule,
                  const at::Tensor& out, const at::Tensor& log_sums) {
  const at::Tensor keys = task.keys(k).to(at::kFloat), values = task.keys(v).to(at::kFloat);
  for (std::int64_t first = 0; first < task.length; first += kPositionsPerBlock) {
    const std::int64_t count = std::min(kPositionsPerBlock, task.length - first), seen = first + count;
    at::Tensor scores = task.queries(q, first, count).mm(keys.narrow(0, 0, seen).t());
    kernels::causal_softmax(task.block(first, count, rule), scores.mutable_data_ptr<float>(), task.rows_of(log_sums, first),
                            log_sums.size(1));
    task.store_queries(out, first, count, scores.mm(values.narrow(0, 0, seen)));
  }
}

struct Gradients {
  at::Tensor dq, dk, dv;
};

void backward_task(const Task& task, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule,
                   const at::Tensor& dout, const at::Tensor& log_sums, const at::Tensor& deltas, const Gradients& gradients) {
  const at::Tensor keys = task.keys(k).to(at::kFloat), values = task.keys(v).to(at::kFloat);
  const at::Tensor dkeys = at::zeros({task.length, q.size(2)}, keys.options()), dvalues = at::zeros_like(dkeys);
  for (std::int64_t first = 0; first < task.length; first += kPositionsPerBlock) {
    const std::int64_t count = std::min(kPositionsPerBlock, task.length - first), seen = first + count;
    const at::Tensor queries = task.queries(q, first, count), douts = task.queries(dout, first, count);
    at::Tensor scores = queries.mm(keys.narrow(0, 0, seen).t()), dscores = douts.mm(values.narrow(0, 0, seen).t());
    kernels::causal_softmax_backward(task.block(first, count, rule), scores.mutable_data_ptr<float>(), dscores.mutable_data_ptr<float>(),
                                     task.rows_of(log_sums, first), task.rows_of(deltas, first), log_sums.size(1));
    dvalues.narrow(0, 0, seen).addmm_(scores.t(), douts);
    dkeys.narrow(0, 0, seen).addmm_(dscores.t(), queries);
    task.store_queries(gradients.dq, first, count, dscores.mm(keys.narrow(0, 0, seen)));
  }
  task.keys(gradients.dk).copy_(dkeys);
  task.keys(gradients.dv).copy_(dvalues);
}

struct Sequences {
  std::vector<std::int64_t> lengths;
  AttentionRule rule;
};

// Kept: q, k, v, the output and the log-sum-exp of each row (Dao et al. 2022).
class AttentionFunction : public Function<AttentionFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<std::int64_t>& lengths, const AttentionRule& rule) {
    const at::Tensor out = at::empty(q.sizes(), q.options());
    const at::Tensor log_sums = at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat));
    for_each_task(lengths, q, k, [&](const Task& task) { forward_task(task, q, k, v, rule, out, log_sums); });
    const at::Tensor flat = out.view({q.size(0), -1});
    context->save_for_backward({q, k, v.contiguous(), flat, log_sums});  // v is a part of qkv, which is not needed any more
    keep(*context, Sequences{lengths, rule});
    return flat;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &log_sums = saved[4];
    const at::Tensor dout = outputs[0].contiguous().view(q.sizes());
    const at::Tensor deltas = (dout * out.view(q.sizes())).sum(-1, false, at::kFloat);
    const Gradients gradients = {at::empty(q.sizes(), q.options()), at::empty(k.sizes(), k.options()), at::empty(v.sizes(), v.options())};
    const Sequences& sequences = kept<Sequences>(*context);
    for_each_task(sequences.lengths, q, k,
                  [&](const Task& task) { backward_task(task, q, k, v, sequences.rule, dout, log_sums, deltas, gradients); });
    return {gradients.dq, gradients.dk, gradients.dv, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor causal_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::vector<std::int64_t>& lengths,
                            const AttentionRule& rule) {
  if (rule.softcap > 0) return reference::causal_attention(q, k, v, lengths, rule);
  return AttentionFunction::apply(q, k, v, lengths, rule);
}

}  // namespace iteralign::cpu
