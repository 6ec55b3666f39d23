#include "doctor/doctor.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/files.h"
#include "doctor/adapter_checks.h"
#include "doctor/gguf_checks.h"
#include "doctor/model_checks.h"
#include "doctor/model_files.h"
#include "doctor/token_checks.h"
#include "doctor/weight_checks.h"
#include "formats/gguf_import.h"
#include "iteralign/error.h"

namespace iteralign {
namespace {

void check_chat(const ModelFiles& files, Diagnosis& diagnosis, Findings& findings) {
  if (!files.renderer) return;
  const Renderer& renderer = *files.renderer;
  findings.run("end_of_turn", [&] { check_end_of_turn(renderer, findings); });
  findings.run("loss_mask", [&] {
    diagnosis.example = example_tokens(renderer);
    check_loss_mask(renderer, findings);
  });
  findings.run("double_bos", [&] { check_bos(renderer, findings); });
  findings.run("control_tokens", [&] { check_control_tokens(renderer, findings); });
  findings.run("template_files", [&] { check_template_files(renderer, files.folder, findings); });
  findings.run("stop_tokens", [&] { check_stop_tokens(files, findings); });
  findings.run("pad_token", [&] { check_pad_token(files, findings); });
  if (files.config) findings.run("vocabulary", [&] { check_vocabulary(files, findings); });
}

void check_model_weights(const ModelFiles& files, Findings& findings) {
  if (!files.checkpoint || !files.config) return;
  findings.run("weights", [&] { check_weights(*files.checkpoint, *files.config, findings); });
  findings.run("tied_embeddings", [&] { check_tied_embeddings(*files.checkpoint, *files.config, findings); });
}

void check_adapter(const std::string& adapter, const std::string& model, const ModelFiles& files, Findings& findings) {
  findings.run("adapter_base", [&] { check_adapter_base(adapter, files, model, findings); });
  if (files.config) findings.run("adapter_shapes", [&] { check_adapter_shapes(adapter, files, findings); });
  findings.run("adapter_scaling", [&] { check_adapter_scaling(adapter, findings); });
  findings.run("adapter_effect", [&] { check_adapter_effect(adapter, findings); });
}

void check_gguf_files(const GgufFile& gguf, const ModelFiles& files, Findings& findings) {
  if (files.config) findings.run("gguf_config", [&] { check_gguf_config(gguf, files, findings); });
  if (files.config && files.renderer) findings.run("gguf_tokens", [&] { check_gguf_tokens(gguf, files, findings); });
  if (files.renderer) findings.run("gguf_template", [&] { check_gguf_template(gguf, files, findings); });
}

// The checks that need running models. Only one model is open at a time.
class Rounds {
 public:
  Rounds(const Patient& patient, const OpenModel& open, const std::function<bool()>& should_stop, Findings& findings)
      : patient_(patient), open_(open), should_stop_(should_stop), findings_(findings) {}

  // The model as it is, with its adapter, which is merged into `merged`.
  void generate_and_merge(const std::string& merged) {
    findings_.run("generation", [&] {
      ModelOptions options = patient_.model;
      options.save_dtype = "float32";
      const auto model = open_(options);
      voice_ = listen(*model, *model, should_stop_);
      check_generation(*voice_, findings_);
      if (!options.adapter.empty()) model->save(merged, SaveFormat::merged);
    });
  }

  void compare_merged(const std::string& merged) {
    if (!voice_ || !is_directory(merged)) return;
    findings_.run("merged_model", [&] {
      // The same numbers in another order of summation.
      compare_voices("merged_model", *voice_, listen_to(merged), "the merged folder", patient_.model.dtype == "bfloat16" ? 0.1 : 0.01,
                     "merge with iteralign export --format merged, and compare adapter_config.json with the training", findings_);
    });
  }

  void compare_gguf(const GgufFile& gguf, const std::string& imported) {
    if (!voice_) return;
    findings_.run("gguf_model", [&] {
      try {
        import_gguf(gguf.path(), imported);
      } catch (const Error& error) {
        findings_.warn("gguf_model", "the file was not run: " + error.text(), "its metadata and weights were compared all the same");
        return;
      }
      compare_voices("gguf_model", *voice_, listen_to(imported), "the GGUF file", 0.05 + 4 * gguf_loss(coarsest_type(gguf)),
                     "convert the model again: iteralign export --format gguf", findings_);
    });
  }

 private:
  Voice listen_to(const std::string& folder) const {
    ModelOptions options = patient_.model;
    options.path = folder;
    options.adapter.clear();
    const auto model = open_(options);
    return listen(*model, *model, should_stop_);
  }

  const Patient& patient_;
  const OpenModel& open_;
  const std::function<bool()>& should_stop_;
  Findings& findings_;
  std::optional<Voice> voice_;
};

// What the GGUF file should have the weights of: the model, or what the adapter made of it. Nullptr when that could not be read.
std::unique_ptr<const Checkpoint> open_reference(const std::string& folder, Findings& findings) {
  std::unique_ptr<const Checkpoint> reference;
  if (is_directory(folder)) findings.run("gguf_weights", [&] { reference = std::make_unique<const Checkpoint>(folder); });
  return reference;
}

}  // namespace

bool Diagnosis::has_fault() const {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.status == FindingStatus::fault; });
}

Diagnosis examine(const Patient& given, const OpenModel& open, const std::function<bool()>& should_stop) {
  Patient patient = given;
  patient.model.path = resolve_model_path(given.model.path);
  patient.model.adapter = resolve_adapter_path(given.model.adapter);
  if (patient.model.dtype == "auto") patient.model.dtype = "float32";
  const bool with_adapter = !patient.model.adapter.empty();
  Diagnosis diagnosis;
  Findings findings;
  const ModelFiles files = read_model_files(patient.model.path, findings);
  check_chat(files, diagnosis, findings);
  check_model_weights(files, findings);
  if (with_adapter) check_adapter(patient.model.adapter, given.model.path, files, findings);
  std::optional<GgufFile> gguf;
  if (!patient.gguf.empty()) findings.run("gguf", [&] { gguf.emplace(patient.gguf); });
  if (gguf) check_gguf_files(*gguf, files, findings);

  const ScratchDirectory scratch((std::filesystem::temp_directory_path() / "iteralign-doctor-").string());
  const std::string merged = join_path(scratch.path(), "merged");
  Rounds rounds(patient, open, should_stop, findings);
  if (open) {
    rounds.generate_and_merge(merged);
    rounds.compare_merged(merged);
  } else {
    findings.warn("generation", "no model was run: this build has no engine", "build the release preset");
  }
  if (gguf && files.config) {
    if (const auto reference = open_reference(with_adapter ? merged : files.folder, findings))
      findings.run("gguf_weights", [&] { check_gguf_weights(*gguf, *reference, *files.config, findings); });
    else
      findings.warn("gguf_weights", "not compared: there are no weights to compare with", "mend the faults above first");
    if (open) rounds.compare_gguf(*gguf, join_path(scratch.path(), "imported"));
  }
  diagnosis.findings = findings.all();
  return diagnosis;
}

}  // namespace iteralign
