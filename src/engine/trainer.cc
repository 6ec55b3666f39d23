#include "engine/trainer.h"

#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/autograd.h"
#include "engine/training_attention.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t count_steps(const FinetuneOptions& options, std::int64_t steps_per_epoch) {
  if (options.max_steps > 0) return options.max_steps;
  return std::max<std::int64_t>(1, std::llround(std::ceil(options.num_train_epochs * static_cast<double>(steps_per_epoch))));
}

// The layer itself is kept out of memory; its input must require a gradient, which under LoRA the first one does not.
at::Tensor checkpoint_layer(const at::Tensor& x, const Model::Layer& layer) {
  return checkpoint(x.requires_grad() ? x : x.detach().requires_grad_(), layer);
}

}  // namespace

void check(const FinetuneOptions& options) {
  const auto require = [](bool condition, const char* key, const char* rule) {
    if (!condition) throw Error(ErrorKind::usage, rule, std::string("finetune.") + key);
  };
  require(std::isfinite(options.learning_rate) && options.learning_rate >= 0, "learning_rate", "must be a number of at least 0");
  require(options.max_steps > 0 || options.num_train_epochs > 0, "num_train_epochs", "must be above 0");
  require(options.per_device_train_batch_size > 0, "per_device_train_batch_size", "must be at least 1");
  require(options.gradient_accumulation_steps > 0, "gradient_accumulation_steps", "must be at least 1");
  require(options.warmup_ratio >= 0 && options.warmup_ratio <= 1, "warmup_ratio", "must be between 0 and 1");
  require(options.weight_decay >= 0, "weight_decay", "must be at least 0");
  require(options.adam_beta1 >= 0 && options.adam_beta1 < 1, "adam_beta1", "must be in [0, 1)");
  require(options.adam_beta2 >= 0 && options.adam_beta2 < 1, "adam_beta2", "must be in [0, 1)");
  require(options.adam_epsilon > 0, "adam_epsilon", "must be above 0");
  require(options.max_grad_norm >= 0, "max_grad_norm", "must be at least 0 (0: no clipping)");
  require(options.max_length > 1, "max_length", "must be at least 2 tokens");
  require(options.lora_r > 0, "lora_r", "must be at least 1");
  require(options.lora_alpha > 0, "lora_alpha", "must be above 0");
  require(options.lora_dropout >= 0 && options.lora_dropout < 1, "lora_dropout", "must be in [0, 1)");
  parse_schedule_type(options.lr_scheduler_type);
}

at::Tensor training_loss(Model& model, const Batch& batch, AttentionContext& attention, double scale) {
  const at::Tensor hidden = model.forward(batch.tokens, attention).index_select(0, batch.rows);
  return training_cross_entropy(hidden, batch.targets, model.lm_head(), scale);
}

Trainer::Trainer(Model& model, const std::vector<TrainableParameter>& parameters, std::vector<Renderer::Example> examples,
                 const FinetuneOptions& options)
    : model_(model),
      options_(options),
      collator_(std::move(examples), options.max_length, options.per_device_train_batch_size, options.seed,
                /*share_prefix=*/options.lora_dropout == 0),
      steps_per_epoch_(divide_up(collator_.batches_per_epoch(), options.gradient_accumulation_steps)),
      max_steps_(count_steps(options, steps_per_epoch_)),
      optimizer_(parameters, {options.adam_beta1, options.adam_beta2, options.adam_epsilon, options.weight_decay}),
      schedule_(parse_schedule_type(options.lr_scheduler_type), options.warmup_ratio, max_steps_) {
  if (options.gradient_checkpointing) model_.around_layer = checkpoint_layer;
}

Trainer::~Trainer() { model_.around_layer = nullptr; }

TrainSummary Trainer::train(const BaseModel::OnStep& on_step, const std::function<bool()>& should_stop) {
  const auto start = std::chrono::steady_clock::now();
  TrainSummary summary;
  while (step_ < max_steps_) {
    const std::vector<Indices> epoch = collator_.next_epoch();
    for (std::size_t begin = 0; begin < epoch.size() && step_ < max_steps_;) {
      if (should_stop && should_stop()) throw Error(ErrorKind::interrupted, fmt::format("stopped after step {} of {}", step_, max_steps_));
      const std::size_t end = std::min(epoch.size(), begin + static_cast<std::size_t>(options_.gradient_accumulation_steps));
      const TrainStep step = update({epoch.begin() + static_cast<std::ptrdiff_t>(begin), epoch.begin() + static_cast<std::ptrdiff_t>(end)});
      begin = end;
      if (step.step == 1) summary.loss_first = step.loss;
      summary.loss_last = step.loss;
      if (on_step) on_step(step);
    }
  }
  summary.steps = static_cast<int>(step_);
  summary.tokens = tokens_;
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

TrainStep Trainer::update(const std::vector<Indices>& batches) {
  std::vector<Batch> collated;
  std::int64_t targets = 0;
  for (const Indices& indices : batches) {
    collated.push_back(collator_.collate(indices, model_.device()));
    targets += collated.back().targets.size(0);
  }
  double loss = 0;
  for (const Batch& batch : collated) {
    loss += accumulate_gradient(batch, 1.0 / static_cast<double>(targets));
    tokens_ += batch.num_tokens();
  }
  const double norm = optimizer_.clip_grad_norm(options_.max_grad_norm);
  if (!std::isfinite(loss) || !std::isfinite(norm)) {
    throw Error(ErrorKind::failed, fmt::format("at step {} the loss is {} and the norm of its gradient {}", step_ + 1, loss, norm),
                "finetune", "a lower finetune.learning_rate usually helps; the weights are those from before the training");
  }
  const double learning_rate = options_.learning_rate * schedule_.multiplier(step_);
  optimizer_.step(learning_rate);
  ++step_;
  return {static_cast<int>(step_),
          static_cast<int>(max_steps_),
          static_cast<double>(step_) / static_cast<double>(steps_per_epoch_),
          loss,
          norm,
          learning_rate,
          tokens_};
}

double Trainer::accumulate_gradient(const Batch& batch, double scale) {
  const at::AutoGradMode with_grad(true);
  std::uint64_t linear_seed = derive_seed(options_.seed, "dropout") + static_cast<std::uint64_t>(batches_seen_++) * 100'000;
  for (Linear* linear : model_.linears()) linear->set_dropout_seed(linear_seed++);
  PackedAttention attention(batch.prefix, batch.lengths, model_.device());
  const at::Tensor loss = training_loss(model_, batch, attention, scale);
  torch::autograd::backward({loss}, {});
  return loss.item<double>();
}

}  // namespace iteralign
