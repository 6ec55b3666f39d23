#include "engine/training_attention.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "engine/kernels/causal_softmax.h"
#include "engine/ops.h"

namespace iteralign {
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
    context->saved_data["lengths"] = lengths;
    context->saved_data["scale"] = rule.scale;
    context->saved_data["window"] = rule.window;
    return flat;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3], &log_sums = saved[4];
    const at::Tensor dout = outputs[0].contiguous().view(q.sizes());
    const at::Tensor deltas = (dout * out.view(q.sizes())).sum(-1, false, at::kFloat);
    const Gradients gradients = {at::empty(q.sizes(), q.options()), at::empty(k.sizes(), k.options()), at::empty(v.sizes(), v.options())};
    const AttentionRule rule = {context->saved_data["scale"].toDouble(), context->saved_data["window"].toInt()};
    for_each_task(context->saved_data["lengths"].toIntVector(), q, k,
                  [&](const Task& task) { backward_task(task, q, k, v, rule, dout, log_sums, deltas, gradients); });
    return {gradients.dq, gradients.dk, gradients.dv, at::Tensor(), at::Tensor()};
  }
};

at::Tensor restart_positions(std::int64_t prefix, const std::vector<std::int64_t>& lengths, at::Device device) {
  std::vector<at::Tensor> parts = {at::arange(prefix, at::kLong)};
  for (const std::int64_t length : lengths) parts.push_back(at::arange(prefix, prefix + length, at::kLong));
  return at::cat(parts).to(device);
}

}  // namespace

PackedAttention::PackedAttention(std::int64_t prefix, std::vector<std::int64_t> lengths, at::Device device)
    : prefix_(prefix), own_lengths_(std::move(lengths)), positions_(restart_positions(prefix, own_lengths_, device)) {
  for (const std::int64_t length : own_lengths_) lengths_.push_back(prefix + length);
}

at::Tensor PackedAttention::lengths() const {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(prefix_), lengths_.front());
  for (std::size_t i = 0; i < lengths_.size(); ++i) rows.insert(rows.end(), static_cast<std::size_t>(own_lengths_[i]), lengths_[i]);
  return at::tensor(rows, at::kLong).to(positions_.device());
}

at::Tensor PackedAttention::attend(int /*layer*/, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionRule& rule) {
  const at::Tensor queries = lay_out(q), keys = lay_out(k), values = lay_out(v);
  const bool plain = !q.is_cpu() || !fused_kernels() || rule.softcap > 0 || q.scalar_type() == at::kDouble;
  return take_back(plain ? attend_plain(queries, keys, values, rule)
                         : at::Tensor(AttentionFunction::apply(queries, keys, values, lengths_, rule)));
}

at::Tensor PackedAttention::lay_out(const at::Tensor& rows) const {
  if (prefix_ == 0) return rows;
  std::vector<std::int64_t> sizes = {prefix_};
  sizes.insert(sizes.end(), own_lengths_.begin(), own_lengths_.end());
  const auto parts = rows.split_with_sizes(sizes, 0);
  std::vector<at::Tensor> sequences;
  for (std::size_t i = 1; i < parts.size(); ++i) sequences.insert(sequences.end(), {parts[0], parts[i]});
  return at::cat(sequences);
}

at::Tensor PackedAttention::take_back(const at::Tensor& rows) const {
  if (prefix_ == 0) return rows;
  std::vector<std::int64_t> sizes;
  for (const std::int64_t length : own_lengths_) sizes.insert(sizes.end(), {prefix_, length});
  const auto parts = rows.split_with_sizes(sizes, 0);
  std::vector<at::Tensor> own = {parts[0]};  // the prefix is the same in every sequence
  for (std::size_t i = 1; i < parts.size(); i += 2) own.push_back(parts[i]);
  return at::cat(own);
}

at::Tensor PackedAttention::attend_plain(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const AttentionRule& rule) const {
  const auto split = [&](const at::Tensor& x) { return x.split_with_sizes(lengths_, 0); };
  const auto queries = split(q), keys = split(k), values = split(v);
  std::vector<at::Tensor> outs;
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    outs.push_back(BatchAttention(1, lengths_[i], q.device()).attend(0, queries[i], keys[i], values[i], rule));
  }
  return at::cat(outs);
}

}  // namespace iteralign
