#include <algorithm>
#include <map>

#include "config/limits.h"
#include "core/files.h"
#include "engine/peft.h"
#include "engine/torch_base_model.h"
#include "engine/torch_error.h"
#include "engine/torch_types.h"
#include "engine/trainable_weights.h"
#include "engine/trainer.h"

namespace iteralign {
namespace {

LoraConfig lora_config(const FinetuneOptions& options, Model& model) {
  LoraConfig config;
  config.r = options.lora_r;
  config.lora_alpha = options.lora_alpha;
  config.lora_dropout = options.lora_dropout;
  config.use_rslora = options.use_rslora;
  for (const std::string& target : options.lora_target_modules) {
    for (const std::string& name : is_all_linear(target) ? lora_module_names(model) : std::vector<std::string>{target})
      if (std::ranges::find(config.target_modules, name) == config.target_modules.end()) config.target_modules.push_back(name);
  }
  config.modules_to_save = options.modules_to_save;
  return config;
}

}  // namespace

// An lm_head that was tied when it was loaded is written as the embedding is.
DType TorchBaseModel::saved_dtype(const std::string& tensor) const {
  return save_dtype_.value_or(checkpoint_->tensor(checkpoint_->contains(tensor) ? tensor : "model.embed_tokens.weight").dtype);
}

void TorchBaseModel::need_trainable_adapter(const char* what) const {
  if (lora_ && !adapter_trainable_)
    throw Error(ErrorKind::usage, "the adapter that is on the model changes more than the layers that are trained here, like its embedding",
                what, "merge it first: iteralign export --format merged");
}

// What is kept of fp32 masters is what save() will write, so that a run that goes on from the files goes on from the same weights.
void TorchBaseModel::round_to_saved_types() {
  for (const NamedParameter& parameter : model_->parameters()) {
    const at::Tensor rounded = parameter.value->detach().to(torch_type(saved_dtype(parameter.name), parameter.name));
    *parameter.value = rounded.dim() == 1 ? rounded.to(at::kFloat) : rounded;  // norms and biases are fp32 in memory
  }
  model_->weights_changed();
}

void TorchBaseModel::check_finetune(const FinetuneOptions& options) {
  ITERALIGN_CHECK(options.method != FinetuneMethod::none, "the method none trains nothing");
  check_limits(options);
  if (options.method == FinetuneMethod::full) return;
  const LoraConfig config = lora_config(options, *model_);
  need_trainable_adapter("finetune");
  check_targets(*model_, config);
  const auto whole = [&](const LoraConfig& of) {
    std::vector<std::string> names;
    for (const NamedParameter& weight : whole_weights(*model_, of)) names.push_back(weight.name);
    return names;
  };
  const std::vector<std::string> wanted = whole(config);
  if (lora_ && (!same_lora(*model_, config) || whole(*lora_) != wanted)) {
    throw Error(
        ErrorKind::usage, "the adapter that is on the model has another rank, alpha or other modules", "finetune",
        "fine-tune with the adapter's own lora_r, lora_alpha, lora_target_modules and modules_to_save, or start from the base model");
  }
}

TrainSummary TorchBaseModel::finetune(const std::vector<TrainExample>& examples, const FinetuneOptions& options, const OnStep& on_step,
                                      const std::function<bool()>& should_stop) {
  check_finetune(options);
  const bool with_lora = options.method == FinetuneMethod::lora;
  const LoraConfig config = lora_config(options, *model_);
  return with_torch_errors("fine-tuning", [&] {
    std::vector<Renderer::Example> rendered, rejected;
    for (const TrainExample& example : examples) {
      if (options.objective == FinetuneObjective::dpo && example.rejected.empty()) continue;
      rendered.push_back(renderer_->example(example.messages, example.completion, example.complete));
      rendered.back().epoch = example.epoch;
      check_embedded(rendered.back().ids);
      if (options.objective == FinetuneObjective::sft) continue;
      rejected.push_back(example.rejected.empty() ? Renderer::Example() : renderer_->example(example.messages, example.rejected));
      check_embedded(rejected.back().ids);
    }
    if (rendered.empty())
      throw Error(ErrorKind::data, "no example has a rejected answer", "finetune.objective", "give preference data, or train with sft");
    TrainSummary summary;
    {
      TrainableWeights weights(*model_);
      with_lora ? weights.train_lora(config, options.seed) : weights.train_all();
      const auto on_epoch = [&](int epoch) {
        const std::string folder = join_path(options.epochs_folder, std::to_string(epoch));
        with_lora ? save_adapter(folder, config) : save_merged(folder);
      };
      summary = Trainer(*model_, weights.parameters(), std::move(rendered), options, std::move(rejected))
                    .train(on_step, should_stop, options.epochs_folder.empty() ? nullptr : std::function<void(int)>(on_epoch));
      weights.commit();
    }
    if (with_lora) {
      if (!lora_) {
        lora_ = config;
        adapter_trainable_ = true;
      }
    } else {
      round_to_saved_types();
      lora_.reset();
      base_changed_ = true;
    }
    return summary;
  });
}

void TorchBaseModel::save_adapter(const std::string& dir, const LoraConfig& config) {
  PendingDirectory pending(dir);
  write_peft(pending.path(), *model_, config, path_);
  pending.commit();
}

void TorchBaseModel::save_merged(const std::string& dir) {
  std::map<std::string, const LinearModule*> with_lora;
  for (const LinearModule* module : lora_modules(*model_)) {
    if (module->lora) with_lora[module->name + ".weight"] = module;
  }
  std::vector<TensorSource> tensors;
  at::Tensor scratch;  // the bytes of the tensor whose turn it is
  for (const NamedParameter& parameter : model_->parameters()) {
    const DType dtype = saved_dtype(parameter.name);
    const auto module = with_lora.find(parameter.name);
    const LinearModule* lora = module == with_lora.end() ? nullptr : module->second;
    tensors.push_back({parameter.name, dtype, parameter.value->sizes().vec(),
                       [&scratch, value = *parameter.value, lora, type = torch_type(dtype, parameter.name)] {
                         scratch = (lora != nullptr ? merged_weight(*lora) : value).detach().to(at::kCPU, type).contiguous();
                         return std::span(static_cast<const std::byte*>(scratch.const_data_ptr()), scratch.nbytes());
                       }});
  }
  write_checkpoint(dir, checkpoint_->folder(), tensors);
}

void TorchBaseModel::save(const std::string& dir, SaveFormat format) {
  with_torch_errors("saving the model", [&] {
    if (format == SaveFormat::merged) return save_merged(dir);
    if (!lora_)
      throw Error(ErrorKind::usage, "there is no LoRA adapter to save", dir, "fine-tune with method: lora, or save the merged model");
    need_trainable_adapter("export");
    if (base_changed_)
      throw Error(ErrorKind::usage, "the adapter belongs to weights that were fine-tuned too", dir, "save the merged model");
    save_adapter(dir, *lora_);
  });
}

void TorchBaseModel::remove_adapter() {
  detach_lora(*model_);
  lora_.reset();
  adapter_is_whole_ = false;
}

void TorchBaseModel::restore_base() {
  model_->load_weights(checkpoint_);
  remove_adapter();
  base_changed_ = false;
}

void TorchBaseModel::load_trained(const std::string& dir) {
  with_torch_errors("loading trained weights", [&] {
    const bool restore = base_changed_ || adapter_is_whole_ || (lora_ && !lora_->modules_to_save.empty());
    if (!dir.empty() && is_peft_folder(dir)) {
      if (restore) restore_base();  // what is read is compared with the weights under it
      const PeftAdapter adapter = read_peft(dir, *model_);
      attach(*model_, adapter);
      lora_ = adapter.config;
      adapter_is_whole_ = !adapter.whole.empty();
      adapter_trainable_ = adapter.trainable;
      base_changed_ = false;
      return;
    }
    if (dir.empty()) return restore ? restore_base() : remove_adapter();
    model_->load_weights(std::make_shared<const Checkpoint>(dir));
    remove_adapter();
    base_changed_ = true;
  });
}

}  // namespace iteralign
