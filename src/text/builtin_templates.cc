// The chat formats that people know by name, as Jinja. Line breaks of the sources below vanish: every line ends in a tag
// (trim_blocks) or begins with one that strips. What is printed stands in quotes.
#include "text/builtin_templates.h"

namespace iteralign {
namespace {

constexpr std::string_view kChatml = R"({%- for m in messages -%}
{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%})";

constexpr std::string_view kQwen25 = R"({%- if not messages or messages[0].role != 'system' -%}
{{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' -}}
{%- endif -%}
{%- for m in messages -%}
{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%})";

constexpr std::string_view kSmolLm2 = R"({%- if not messages or messages[0].role != 'system' -%}
{{- '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' -}}
{%- endif -%}
{%- for m in messages -%}
{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%})";

constexpr std::string_view kLlama2 = R"({%- set ns = namespace(system='') -%}
{%- for m in messages -%}
{%- if m.role == 'system' -%}
{%- set ns.system = '<<SYS>>\n' + m.content + '\n<</SYS>>\n\n' -%}
{%- elif m.role == 'user' -%}
{{- bos_token ~ '[INST] ' ~ (ns.system + m.content) | trim ~ ' [/INST]' -}}
{%- set ns.system = '' -%}
{%- else -%}
{{- ' ' ~ m.content | trim ~ ' ' ~ eos_token -}}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kLlama3 = R"({{- bos_token -}}
{%- for m in messages -%}
{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%})";

constexpr std::string_view kLlama31 = R"({{- bos_token -}}
{%- set has_system = messages and messages[0].role == 'system' -%}
{{- '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: ' -}}
{{- date_string | default('26 Jul 2024') ~ '\n\n' -}}
{{- (messages[0].content | trim if has_system else '') ~ '<|eot_id|>' -}}
{%- for m in messages[(1 if has_system else 0):] -%}
{{- '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%})";

constexpr std::string_view kMistralV1 = R"({{- bos_token -}}
{%- set ns = namespace(system='') -%}
{%- for m in messages -%}
{%- if m.role == 'system' -%}
{%- set ns.system = m.content + '\n\n' -%}
{%- elif m.role == 'user' -%}
{{- ' [INST] ' + ns.system + m.content + ' [/INST]' -}}
{%- set ns.system = '' -%}
{%- else -%}
{{- ' ' ~ m.content ~ eos_token -}}
{%- endif -%}
{%- endfor -%})";

// The system message belongs to the last user turn.
constexpr std::string_view kMistralV3 = R"({{- bos_token -}}
{%- set ns = namespace(system='', last=-1) -%}
{%- for m in messages -%}
{%- if m.role == 'system' -%}{%- set ns.system = m.content + '\n\n' -%}{%- endif -%}
{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}
{{- '[INST] ' + (ns.system if loop.index0 == ns.last else '') + m.content + '[/INST]' -}}
{%- elif m.role != 'system' -%}
{{- ' ' ~ m.content | trim ~ eos_token -}}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kMistralV3Tekken = R"({{- bos_token -}}
{%- set ns = namespace(system='', last=-1) -%}
{%- for m in messages -%}
{%- if m.role == 'system' -%}{%- set ns.system = m.content + '\n\n' -%}{%- endif -%}
{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}
{{- '[INST]' + (ns.system if loop.index0 == ns.last else '') + m.content + '[/INST]' -}}
{%- elif m.role != 'system' -%}
{{- m.content ~ eos_token -}}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kMistralV7 = R"({{- bos_token -}}
{%- for m in messages -%}
{%- if m.role == 'system' -%}
{{- '[SYSTEM_PROMPT] ' + m.content + '[/SYSTEM_PROMPT]' -}}
{%- elif m.role == 'user' -%}
{{- '[INST] ' + m.content + '[/INST]' -}}
{%- else -%}
{{- ' ' ~ m.content ~ eos_token -}}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kPhi3 = R"({%- for m in messages -%}
{{- '<|' + m.role + '|>\n' + m.content + '<|end|>\n' -}}
{%- endfor -%}
{{- '<|assistant|>\n' if add_generation_prompt else eos_token -}})";

constexpr std::string_view kZephyr = R"({%- for m in messages -%}
{{- '<|' ~ m.role ~ '|>\n' ~ m.content ~ eos_token ~ '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\n' -}}{%- endif -%})";

constexpr std::string_view kGemma = R"({{- bos_token -}}
{%- for m in messages -%}
{%- if m.role == 'system' -%}{{- raise_exception('System role not supported') -}}{%- endif -%}
{{- '<start_of_turn>' ~ ('model' if m.role == 'assistant' else m.role) ~ '\n' ~ m.content | trim ~ '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\n' -}}{%- endif -%})";

constexpr std::string_view kVicuna = R"({%- set has_system = messages and messages[0].role == 'system' -%}
{%- if has_system -%}{{- messages[0].content + ' ' -}}
{%- else -%}
{{- 'A chat between a curious user and an artificial intelligence assistant. ' -}}
{{- "The assistant gives helpful, detailed, and polite answers to the user's questions. " -}}
{%- endif -%}
{%- for m in messages[(1 if has_system else 0):] -%}
{%- if m.role == 'user' -%}{{- 'USER: ' + m.content + ' ' -}}
{%- else -%}{{- 'ASSISTANT: ' + m.content + eos_token | default('</s>') -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'ASSISTANT:' -}}{%- endif -%})";

constexpr std::string_view kAlpaca = R"({%- set has_system = messages and messages[0].role == 'system' -%}
{%- if has_system -%}{{- messages[0].content -}}
{%- else -%}
{{- 'Below is an instruction that describes a task. Write a response that appropriately completes the request.' -}}
{%- endif -%}
{%- for m in messages[(1 if has_system else 0):] -%}
{%- if m.role == 'user' -%}{{- '\n\n### Instruction:\n' + m.content -}}
{%- else -%}{{- '\n\n### Response:' ~ m.content ~ eos_token -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\n\n### Response:' -}}{%- endif -%})";

constexpr std::string_view kHh = R"({%- for m in messages -%}
{%- if m.role == 'user' -%}{{- '\n\nHuman: ' + m.content -}}
{%- elif m.role == 'assistant' -%}{{- '\n\nAssistant: ' + m.content -}}
{%- else -%}{{- m.content -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\n\nAssistant:' -}}{%- endif -%})";

constexpr std::string_view kPlain = R"({%- for m in messages -%}{{- m.content -}}{%- endfor -%})";

constexpr BuiltinTemplate kTemplates[] = {
    {"alpaca", kAlpaca},        {"chatml", kChatml},
    {"gemma", kGemma},          {"hh", kHh},
    {"llama2", kLlama2},        {"llama3", kLlama3},
    {"llama3.1", kLlama31},     {"mistral-v1", kMistralV1},
    {"mistral-v3", kMistralV3}, {"mistral-v3-tekken", kMistralV3Tekken},
    {"mistral-v7", kMistralV7}, {"phi3", kPhi3},
    {"plain", kPlain},          {"qwen2.5", kQwen25},
    {"smollm2", kSmolLm2},      {"vicuna", kVicuna},
    {"zephyr", kZephyr},
};

}  // namespace

std::span<const BuiltinTemplate> builtin_templates() { return kTemplates; }

}  // namespace iteralign
