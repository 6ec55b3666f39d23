#include "engine/trainer.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <tuple>
#include <utility>

#include "core/hash.h"
#include "core/strings.h"
#include "engine/checkpointing.h"
#include "engine/cross_entropy.h"
#include "engine/training_attention.h"
#include "engine/training_state.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t steps_per_epoch(Collator& collator, const FinetuneOptions& options) {
  if (options.packing) collator.pack(options.max_length);
  return divide_up(collator.batches_per_epoch(), options.gradient_accumulation_steps);
}

// Epochs may differ in length, where examples belong to one of them.
std::int64_t count_steps(const Collator& collator, const FinetuneOptions& options) {
  if (options.max_steps > 0) return options.max_steps;
  std::int64_t steps = 0;
  double left = options.num_train_epochs;
  for (int epoch = 0; left > 0; ++epoch, left -= 1) {
    const auto whole = static_cast<double>(divide_up(collator.batches_of(epoch), options.gradient_accumulation_steps));
    steps += std::llround(std::ceil(std::min(1.0, left) * whole));
  }
  return std::max<std::int64_t>(1, steps);
}

// The layer itself is kept out of memory; its input must require a gradient, which under LoRA the first one does not.
at::Tensor checkpoint_layer(const at::Tensor& x, const Model::Layer& layer) {
  return checkpoint(x.requires_grad() ? x : x.detach().requires_grad_(), layer);
}

}  // namespace

at::Tensor backpropagate_loss(Model& model, const Batch& batch, AttentionContext& attention, double scale) {
  const at::Tensor hidden = model.forward(batch.tokens, attention).index_select(0, batch.rows);
  return backpropagate_cross_entropy(hidden, batch.targets, model.lm_head(), scale, model.config().final_logit_softcapping);
}

Trainer::Trainer(Model& model, const std::vector<TrainableParameter>& parameters, std::vector<Renderer::Example> examples,
                 const FinetuneOptions& options, std::vector<Renderer::Example> rejected)
    : model_(model),
      options_(options),
      collator_(std::move(examples), options.max_length, options.per_device_train_batch_size, options.seed,
                /*share_prefix=*/options.lora_dropout == 0 && model.rotates_alike(0, INT64_MAX), std::move(rejected)),
      steps_per_epoch_(steps_per_epoch(collator_, options)),
      max_steps_(count_steps(collator_, options)),
      optimizer_(parameters, {options.adam_beta1, options.adam_beta2, options.adam_epsilon, options.weight_decay}),
      schedule_(options.lr_scheduler_type, options.warmup_ratio, max_steps_) {
  if (options.gradient_checkpointing) model_.around_layer = checkpoint_layer;
}

Trainer::~Trainer() { model_.around_layer = nullptr; }

TrainSummary Trainer::train(const BaseModel::OnStep& on_step, const std::function<bool()>& should_stop,
                            const std::function<void(int)>& on_epoch) {
  const auto start = std::chrono::steady_clock::now();
  TrainSummary summary;
  if (options_.objective != FinetuneObjective::sft) measure_reference();
  restore(on_step, summary);
  std::int64_t passed = 0;  // steps, also those of before a restart
  for (int number = 1; passed < max_steps_; ++number) {
    const std::vector<Indices> epoch = collator_.next_epoch();
    for (std::size_t begin = 0; begin < epoch.size() && passed < max_steps_; ++passed) {
      const std::size_t end = std::min(epoch.size(), begin + static_cast<std::size_t>(options_.gradient_accumulation_steps));
      const std::vector<Indices> batches(epoch.begin() + static_cast<std::ptrdiff_t>(begin),
                                         epoch.begin() + static_cast<std::ptrdiff_t>(end));
      begin = end;
      if (passed < step_) {
        batches_seen_ += static_cast<std::int64_t>(batches.size());
        continue;
      }
      if (should_stop && should_stop()) throw Error(ErrorKind::interrupted, fmt::format("stopped after step {} of {}", step_, max_steps_));
      log_.push_back(update(batches));
      if (log_.size() == 1) summary.loss_first = log_.back().loss;
      summary.loss_last = log_.back().loss;
      if (on_step) on_step(log_.back());
      if (options_.save_steps > 0 && step_ % options_.save_steps == 0 && step_ < max_steps_) save_state();
    }
    if (on_epoch && passed == step_) on_epoch(number);
  }
  summary.steps = static_cast<int>(step_);
  summary.tokens = tokens_;
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

void Trainer::restore(const BaseModel::OnStep& on_step, TrainSummary& summary) {
  if (options_.state_folder.empty()) return;
  log_ = load_training_state(options_.state_folder, fingerprint(), optimizer_.state());
  if (log_.empty()) return;
  step_ = log_.back().step;
  tokens_ = log_.back().num_tokens;
  summary.loss_first = log_.front().loss;
  summary.loss_last = log_.back().loss;
  if (!on_step) return;
  for (const TrainStep& step : log_) on_step(step);
}

void Trainer::save_state() const {
  if (!options_.state_folder.empty()) save_training_state(options_.state_folder, fingerprint(), log_, options_, optimizer_.state());
}

std::string Trainer::fingerprint() const {
  const FinetuneOptions& o = options_;
  const auto all = std::make_tuple(static_cast<int>(o.method), static_cast<int>(o.objective), o.dpo_beta, o.learning_rate,
                                   o.num_train_epochs, o.max_steps, o.per_device_train_batch_size, o.gradient_accumulation_steps,
                                   name(o.lr_scheduler_type), o.warmup_ratio, o.weight_decay, o.adam_beta1, o.adam_beta2, o.adam_epsilon,
                                   o.max_grad_norm, o.max_length, o.packing, o.seed, o.lora_r, o.lora_alpha, o.lora_dropout, o.use_rslora,
                                   join(o.lora_target_modules, ","), join(o.modules_to_save, ","), collator_.fingerprint());
  return hash128_hex(fmt::format("{}", fmt::join(all, " ")));
}

TrainStep Trainer::update(const std::vector<Indices>& batches) {
  std::vector<Batch> collated;
  StepSizes sizes;
  for (const Indices& indices : batches) {
    collated.push_back(collator_.collate(indices, model_.device()));
    sizes.targets += collated.back().example_targets;
    sizes.pairs += static_cast<std::int64_t>(collated.back().rejected_of.size());
  }
  const at::Tensor total = at::zeros({}, at::TensorOptions().dtype(at::kDouble).device(model_.device()));
  for (std::size_t i = 0; i < batches.size(); ++i) {
    total.add_(accumulate_gradient(collated[i], batches[i], sizes));
    tokens_ += collated[i].num_tokens();
  }
  const double norm = optimizer_.clip_grad_norm(options_.max_grad_norm), loss = total.item<double>();
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

at::Tensor Trainer::accumulate_gradient(const Batch& batch, const Indices& indices, const StepSizes& sizes) {
  const at::AutoGradMode with_grad(true);
  std::uint64_t linear_seed = derive_seed(options_.seed, "dropout") + static_cast<std::uint64_t>(batches_seen_++) * 100'000;
  for (Linear* linear : model_.linears()) linear->set_dropout_seed(linear_seed++);
  PackedAttention attention(model_.backend(), batch.prefix, batch.lengths);
  if (options_.objective == FinetuneObjective::sft) {
    return backpropagate_loss(model_, batch, attention, 1.0 / static_cast<double>(sizes.targets)).to(at::kDouble);
  }
  std::vector<at::Tensor> reference;  // in the order of the batch's sequences
  for (const std::size_t index : indices) reference.push_back(reference_[static_cast<std::int64_t>(index)]);
  for (const std::int64_t i : batch.rejected_of)
    reference.push_back(rejected_reference_[static_cast<std::int64_t>(indices[static_cast<std::size_t>(i)])]);
  const at::Tensor hidden = model_.forward(batch.tokens, attention).index_select(0, batch.rows);
  const PreferenceLoss loss = preference_loss_of(batch, hidden, at::stack(reference), sizes);
  (void)backpropagate_cross_entropy(hidden, batch.targets, model_.lm_head(), 1.0, model_.config().final_logit_softcapping,
                                    loss.row_weights);
  return loss.loss;
}

PreferenceLoss Trainer::preference_loss_of(const Batch& batch, const at::Tensor& hidden, const at::Tensor& reference,
                                           const StepSizes& sizes) const {
  const at::Tensor losses = token_losses(hidden, batch.targets, model_.lm_head(), model_.config().final_logit_softcapping);
  PreferenceLoss loss = {at::zeros({}, losses.options().dtype(at::kDouble)), at::zeros_like(losses)};
  if (!batch.rejected_of.empty())
    loss = preference_loss(batch, losses, reference, options_.dpo_beta, 1.0 / static_cast<double>(sizes.pairs));
  if (options_.objective == FinetuneObjective::sft_dpo) {
    const auto examples = static_cast<std::int64_t>(batch.lengths.size() - batch.rejected_of.size());
    const at::Tensor learnt = batch.sequences.lt(examples).to(at::kFloat) / static_cast<double>(sizes.targets);
    loss = {loss.loss + (losses * learnt).sum().to(at::kDouble), loss.row_weights + learnt};
  }
  return loss;
}

void Trainer::measure_reference() {
  const at::NoGradGuard no_grad;
  const auto size = static_cast<std::int64_t>(collator_.size());
  reference_ = at::zeros({size}, at::TensorOptions().dtype(at::kFloat).device(model_.device()));
  rejected_reference_ = at::zeros_like(reference_);
  std::vector<std::pair<std::shared_ptr<Lora>, double>> dropouts;  // the reference has none
  for (Linear* linear : model_.linears())
    for (LinearModule& module : linear->modules())
      if (module.lora) dropouts.emplace_back(module.lora, std::exchange(module.lora->dropout, 0.0));
  for (std::int64_t i = 0; i < size; ++i) {
    const Batch batch = collator_.collate({static_cast<std::size_t>(i)}, model_.device());
    if (batch.rejected_of.empty()) continue;
    PackedAttention attention(model_.backend(), batch.prefix, batch.lengths);
    const at::Tensor hidden = model_.forward(batch.tokens, attention).index_select(0, batch.rows);
    const at::Tensor losses = token_losses(hidden, batch.targets, model_.lm_head(), model_.config().final_logit_softcapping);
    const at::Tensor log_probabilities = sequence_log_probabilities(batch, losses);
    reference_[i] = log_probabilities[0];
    rejected_reference_[i] = log_probabilities[1];
  }
  for (auto& [lora, dropout] : dropouts) lora->dropout = dropout;
}

}  // namespace iteralign
