#include "doctor/model_files.h"

#include <fmt/format.h>

#include "core/files.h"

namespace iteralign {

std::string quoted(const Tokenizer& tokenizer, TokenId id) { return fmt::format("`{}` ({})", tokenizer.token_of(id), id); }

std::string ModelFiles::file(const char* name) const { return join_path(folder, name); }

ModelFiles read_model_files(const std::string& folder, Findings& findings) {
  ModelFiles files;
  files.folder = folder;
  findings.run("config", [&] {
    files.config_json = read_json(files.file("config.json"));
    files.config = parse_model_config(files.config_json, files.file("config.json"));
  });
  findings.run("config", [&] {
    if (const std::string path = files.file("generation_config.json"); exists(path)) files.generation_config = read_json(path);
  });
  findings.run("tokenizer", [&] {
    files.renderer = std::make_unique<const Renderer>(std::make_shared<const Tokenizer>(Tokenizer::from_folder(folder)),
                                                      ChatTemplate::from_folder(folder));
  });
  findings.run("weights", [&] { files.checkpoint = std::make_unique<const Checkpoint>(folder); });
  return files;
}

}  // namespace iteralign
