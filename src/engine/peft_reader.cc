// What PeftModel.from_pretrained makes of an adapter. A tensor of the file is a factor of LoRA, or a whole weight: a copy of a module
// that modules_to_save names, or one that lies in the base model itself (saved embeddings, biases).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "engine/peft.h"
#include "engine/torch_types.h"
#include "formats/adapter_names.h"
#include "formats/peft_config.h"
#include "formats/safetensors.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

// The tensors of an adapter, and which of them have been used.
class AdapterTensors {
 public:
  explicit AdapterTensors(const std::string& path) : file_(path) {
    for (const auto& [key, view] : file_.tensors()) {
      const std::string name = adapter_tensor_name(key);
      if (name.empty())
        throw Error(ErrorKind::data, "the tensor `" + key + "` is no adapter's: names begin with base_model.model.", path,
                    "save the adapter with peft");
      if (!views_.emplace(name, &view).second) throw Error(ErrorKind::data, "has `" + name + "` twice", path, "save the adapter again");
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return views_.contains(name); }
  [[nodiscard]] const std::string& path() const { return file_.path(); }

  // In fp32.
  at::Tensor take(const std::string& name, const std::vector<std::int64_t>& shape) {
    const auto found = views_.find(name);
    if (found == views_.end())
      throw Error(ErrorKind::data, "the tensor `" + name + "` is missing", path(),
                  "adapter_config.json names a module that has no weights");
    const TensorView& view = *found->second;
    const at::ScalarType type = torch_type(view.dtype, path() + ": " + name);
    if (view.shape != shape) {
      const bool resized = view.shape.size() == 2 && shape.size() == 2 && view.shape[1] == shape[1] &&
                           (name.starts_with(kEmbeddingModule) || name.starts_with(kLmHeadModule));
      throw Error(ErrorKind::data,
                  fmt::format("the tensor `{}` does not fit: wanted are {} numbers, and it has {}", name, fmt::join(shape, " x "),
                              fmt::join(view.shape, " x ")),
                  path(),
                  resized ? "the vocabulary was resized for the adapter: merge it with peft, or save the resized model and give that"
                          : "is this the model that the adapter was trained on?");
    }
    used_.insert(name);
    at::Tensor tensor = at::empty(shape, type);
    std::memcpy(tensor.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
    return tensor.to(at::kFloat);
  }

  void check_all_used() const {
    for (const auto& [name, view] : views_) {
      if (used_.contains(name)) continue;
      throw Error(
          ErrorKind::data,
          fmt::format("the file has {} tensors, of which {} belong to modules that target_modules and modules_to_save name, and `{}` "
                      "does not",
                      views_.size(), used_.size(), name),
          path(), "is this the model that the adapter was trained on?");
    }
  }

 private:
  SafetensorsFile file_;
  std::map<std::string, const TensorView*> views_;
  std::set<std::string> used_;
};

class PeftReader {
 public:
  PeftReader(const std::string& folder, Model& model)
      : model_(model),
        config_path_(join_path(folder, "adapter_config.json")),
        config_(parse_peft_config(read_json(config_path_), config_path_)),
        tensors_(weights_path(folder)),
        tied_(model.config().tie_word_embeddings),
        adapter_{config_.lora} {}

  PeftAdapter read() {
    read_loras();
    read_embeddings();
    for (const NamedParameter& parameter : model_.parameters()) {
      if (parameter.name == kEmbeddingModule + ".weight" || parameter.name == kLmHeadModule + ".weight") continue;
      const std::optional<at::Tensor> value = whole(parameter.name, *parameter.value);
      if (value) add_whole(parameter.name, *value, *parameter.value);
    }
    tensors_.check_all_used();
    adapter_.trainable = adapter_.trainable && !adapter_.unties_lm_head && is_trained_whole();
    return std::move(adapter_);
  }

 private:
  static std::string weights_path(const std::string& folder) {
    std::string path = join_path(folder, "adapter_model.safetensors");
    if (!exists(path) && exists(join_path(folder, "adapter_model.bin")))
      throw Error(ErrorKind::data, "the adapter is a pickle file, which is not read", folder, "save it with safe_serialization=True");
    return path;
  }

  [[nodiscard]] bool targets(const std::string& module) const {
    const bool twins = tied_ && config_.ensure_weight_tying && (module == kEmbeddingModule || module == kLmHeadModule);
    return twins ? lora_targets(config_.lora, kEmbeddingModule) || lora_targets(config_.lora, kLmHeadModule)
                 : lora_targets(config_.lora, module);
  }

  // Does modules_to_save name the weight's module, or one around it? By their ends, as PEFT compares.
  [[nodiscard]] bool saved(const std::string& weight) const {
    for (std::size_t end = weight.rfind('.'); end != std::string::npos && end > 0; end = weight.rfind('.', end - 1)) {
      const std::string module = weight.substr(0, end);
      if (std::ranges::any_of(config_.lora.modules_to_save, [&](const std::string& name) { return module.ends_with(name); })) return true;
    }
    return false;
  }

  // A weight that the file has whole; nothing where the model's own stays.
  std::optional<at::Tensor> whole(const std::string& name, const at::Tensor& current) {
    if (!tensors_.has(name) && saved(name))
      throw Error(ErrorKind::data, "modules_to_save names the module of `" + name + "`, which is missing", tensors_.path(),
                  "save the adapter again");
    if (!tensors_.has(name)) return std::nullopt;
    return tensors_.take(name, current.sizes().vec()).to(current.device());
  }

  void add_whole(const std::string& name, const at::Tensor& value, const at::Tensor& current) {
    if (!at::equal(value, current.to(at::kFloat)) || saved(name)) adapter_.whole.emplace_back(name, value);
  }

  // A and B of a module, which are [rank, in] and [out, rank] under whatever names.
  Lora factors(const std::string& module, const char* a, const char* b, std::int64_t in, std::int64_t out) {
    const std::int64_t rank = lora_rank(config_.lora, module);
    const at::Device device = model_.device();
    return {tensors_.take(module + a, {rank, in}).to(device), tensors_.take(module + b, {out, rank}).to(device),
            lora_scale(config_.lora, module), config_.lora.lora_dropout};
  }

  void read_loras() {
    bool any = targets(kEmbeddingModule) || targets(kLmHeadModule);
    for (const LinearModule* module : lora_modules(model_)) {
      const bool wanted = targets(module->name);
      any = any || wanted;
      adapter_.loras.push_back(wanted ? std::make_shared<Lora>(factors(module->name, ".lora_A.weight", ".lora_B.weight",
                                                                       module->weight.size(1), module->weight.size(0)))
                                      : nullptr);
    }
    if (any) return;
    const LoraConfig& lora = config_.lora;
    throw Error(ErrorKind::data,
                "target_modules (" + (lora.target_pattern.empty() ? join(lora.target_modules, ", ") : lora.target_pattern) +
                    ") names no module of this model",
                config_path_, "it has " + join(lora_module_names(model_), ", ") + ", embed_tokens and lm_head");
  }

  // Embedding and lm_head, which may be one tensor: PEFT's copies and updates are of the one or the other, and untie them; what lies in
  // the base model itself is of both.
  void read_embeddings() {
    const std::string embedding_name = kEmbeddingModule + ".weight", head_name = kLmHeadModule + ".weight";
    const at::Tensor old_embedding = *model_.parameters().front().value, old_head = model_.lm_head().modules()[0].weight;
    at::Tensor embedding = whole(embedding_name, old_embedding).value_or(old_embedding);
    at::Tensor head = whole(head_name, old_head).value_or(old_head);
    if (tied_) {
      const bool has_embedding = tensors_.has(embedding_name) && !saved(embedding_name),
                 has_head = tensors_.has(head_name) && !saved(head_name);
      if (has_embedding && has_head && !at::equal(embedding, head))
        throw Error(ErrorKind::data, "lm_head differs from the embedding, which are one in this model", tensors_.path());
      if (has_embedding && !saved(head_name)) head = embedding;
      if (has_head && !saved(embedding_name)) embedding = head;
    }
    if (targets(kEmbeddingModule)) embedding = updated(embedding, kEmbeddingModule, ".lora_embedding_A", ".lora_embedding_B");
    if (targets(kLmHeadModule)) head = updated(head, kLmHeadModule, ".lora_A.weight", ".lora_B.weight");
    adapter_.unties_lm_head = tied_ && !at::equal(embedding.to(at::kFloat), head.to(at::kFloat));
    if (!embedding.is_same(old_embedding)) add_whole(embedding_name, embedding, old_embedding);
    if (!head.is_same(old_head) && (adapter_.unties_lm_head || !tied_)) add_whole(head_name, head, old_head);
  }

  // Of the embedding the rows of the transposed update are the tokens.
  at::Tensor updated(const at::Tensor& weight, const std::string& module, const char* a, const char* b) {
    const bool of_embedding = module == kEmbeddingModule;
    const std::int64_t tokens = weight.size(0), hidden = weight.size(1);
    const Lora lora = factors(module, a, b, of_embedding ? tokens : hidden, of_embedding ? hidden : tokens);
    const at::Tensor update = of_embedding ? lora.b.mm(lora.a).t() : lora.b.mm(lora.a);
    adapter_.trainable = false;
    return weight.to(at::kFloat) + lora.scale * update;
  }

  // Are the whole weights those that whole_weights() would train?
  [[nodiscard]] bool is_trained_whole() const {
    std::set<std::string> trained;
    try {
      for (const NamedParameter& weight : whole_weights(model_, config_.lora)) trained.insert(weight.name);
    } catch (const Error&) {
      return false;
    }
    return std::ranges::all_of(adapter_.whole, [&](const auto& weight) { return trained.contains(weight.first); });
  }

  Model& model_;
  std::string config_path_;
  PeftConfig config_;
  AdapterTensors tensors_;
  bool tied_;
  PeftAdapter adapter_;
};

}  // namespace

PeftAdapter read_peft(const std::string& folder, Model& model) { return PeftReader(folder, model).read(); }

}  // namespace iteralign
