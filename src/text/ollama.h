#pragma once
// What Ollama needs beside a GGUF file: a Modelfile, with the chat template in Go's template language.
// Format: docs/modelfile.md of the Ollama project.

#include <optional>
#include <string>

#include "core/json.h"
#include "text/renderer.h"

namespace iteralign {

// The chat template as Ollama's TEMPLATE: derived from how conversations come out, and compared with the original on some. Nothing
// when it is more than a text before and after each turn (Llama 2 puts the system message into the user's turn). BOS is left out:
// llama.cpp adds it.
std::optional<std::string> ollama_template(const Renderer& renderer);

// A Modelfile for the file `gguf_name` beside it: template, stop strings and the sampling of generation_config.json. Without TEMPLATE
// when ollama_template() finds none: Ollama then looks for one that it knows.
std::string ollama_modelfile(const Renderer& renderer, const std::string& gguf_name, const Json& generation_config);

}  // namespace iteralign
