#pragma once
// A copy of the lab's model in which faults are planted.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/files.h"
#include "core/json.h"
#include "core/strings.h"
#include "doctor/doctor.h"
#include "formats/checkpoint.h"
#include "formats/gguf_export.h"
#include "formats/tensor_floats.h"
#include "temporary_folder.h"

namespace iteralign {

// Every tensor of a model as float32, by name.
struct Weights {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  std::map<std::string, std::vector<float>> values;

  explicit Weights(const std::string& folder) {
    const Checkpoint checkpoint(folder);
    for (const std::string& name : checkpoint.names()) {
      shapes[name] = checkpoint.tensor(name).shape;
      values[name] = to_floats(checkpoint.tensor(name), name);
    }
  }
  void add(const std::string& name, const std::vector<std::int64_t>& shape, std::vector<float> tensor) {
    shapes[name] = shape;
    values[name] = std::move(tensor);
  }
  [[nodiscard]] std::vector<TensorSource> sources() const {
    std::vector<TensorSource> all;
    for (const auto& [name, tensor] : values)
      all.push_back({name, DType::f32, shapes.at(name), [values = &tensor] { return std::as_bytes(std::span(*values)); }});
    return all;
  }
};

class SickModel : public testing::Test {
 protected:
  void SetUp() override { copy("model"); }

  [[nodiscard]] static std::string lab() { return std::string(ITERALIGN_SOURCE_DIR) + "/models/lab"; }
  std::string copy(const std::string& name) const {
    std::filesystem::copy(lab(), folder_.file(name));
    return folder_.file(name);
  }
  [[nodiscard]] std::string model() const { return folder_.file("model"); }
  static void edit(const std::string& folder, const std::string& file, const std::function<void(Json&)>& change) {
    Json json = read_json(join_path(folder, file));
    change(json);
    write_file_atomic(join_path(folder, file), dump_json_pretty(json));
  }
  void edit(const std::string& file, const std::function<void(Json&)>& change) const { edit(model(), file, change); }
  void set_template(const std::string& source) const {
    edit("tokenizer_config.json", [&](Json& json) { json["chat_template"] = source; });
  }
  static void edit_weights(const std::string& folder, const std::function<void(Weights&)>& change) {
    Weights weights(folder);
    change(weights);
    write_weights(folder, weights.sources());
  }
  [[nodiscard]] std::string export_to_gguf(const std::string& folder, GgufType type = GgufType::f32) const {
    export_gguf(folder, folder_.file("model.gguf"), type);
    return folder_.file("model.gguf");
  }
  // An adapter of one module in the first layer.
  [[nodiscard]] std::string write_adapter(const Json& changes, std::int64_t in = 128, float b = 0.5F,
                                          const std::string& module = "self_attn.q_proj") const {
    const std::string adapter = folder_.file("adapter");
    make_directories(adapter);
    Json config = {{"peft_type", "LORA"},
                   {"base_model_name_or_path", model()},
                   {"r", 2},
                   {"lora_alpha", 4},
                   {"target_modules", Json::array({"q_proj"})}};
    config.update(changes);
    write_file_atomic(join_path(adapter, "adapter_config.json"), dump_json(config));
    const std::vector<float> a_values(static_cast<std::size_t>(2 * in), 0.25F), b_values(256, b);
    const std::string prefix = "base_model.model.model.layers.0." + module;
    write_safetensors(join_path(adapter, "adapter_model.safetensors"),
                      {{prefix + ".lora_A.weight", DType::f32, {2, in}, [&] { return std::as_bytes(std::span(a_values)); }},
                       {prefix + ".lora_B.weight", DType::f32, {128, 2}, [&] { return std::as_bytes(std::span(b_values)); }}});
    return adapter;
  }

  // Looks at the files alone.
  void look(const std::string& adapter = {}, const std::string& gguf = {}) {
    Patient patient;
    patient.model.path = model();
    patient.model.adapter = adapter;
    patient.gguf = gguf;
    diagnosis_ = examine(patient, {});
  }
  // A finding that is not ok says how to mend it.
  void expect(FindingStatus status, const std::string& check, const std::string& says) const {
    const bool found = std::ranges::any_of(diagnosis_.findings, [&](const Finding& finding) {
      return finding.status == status && finding.check == check && contains(finding.message, says) &&
             (status == FindingStatus::ok || !finding.mend.empty());
    });
    EXPECT_TRUE(found) << "no " << name(status) << " of " << check << " says `" << says << "`:\n" << report();
  }
  void expect_fault(const std::string& check, const std::string& says) const { expect(FindingStatus::fault, check, says); }
  void expect_no_fault() const { EXPECT_FALSE(diagnosis_.has_fault()) << report(); }
  [[nodiscard]] std::string report() const {
    std::string text;
    for (const Finding& finding : diagnosis_.findings)
      text += std::string(name(finding.status)) + " " + finding.check + ": " + finding.message + "\n";
    return text;
  }

  TemporaryFolder folder_;
  Diagnosis diagnosis_;
};

}  // namespace iteralign
