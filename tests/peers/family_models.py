"""Tiny random models of every supported family, in every variant that its configuration allows."""

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

transformers.utils.logging.disable_progress_bar()


def write_byte_tokenizer(folder):
    vocabulary = {character: i for i, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary |= {"<s>": 256, "</s>": 257}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 256)])
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(folder)


def add_control_tokens(folder, tokens, chat_template=None):
    """Behind those that the tokenizer of the folder has."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": tokens})
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)


def rope(**parameters):
    return {"rope_parameters": {"rope_theta": 1e4, **parameters}}


LLAMA3 = rope(rope_theta=5e5, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
LONGROPE = {**rope(rope_type="longrope", short_factor=[1.0, 1.1, 1.2, 1.4, 1.5, 2.0], long_factor=[1.0, 1.5, 2.0, 4.0, 6.0, 8.0],
                   partial_rotary_factor=0.75), "original_max_position_embeddings": 64}
ALTERNATING = {"sliding_window": 11, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
VARIANTS = {
    "llama, tied": ("Llama", {"tie_word_embeddings": True}),
    "llama, own lm_head, one key head": ("Llama", {"num_key_value_heads": 1}),
    "llama, biases": ("Llama", {"attention_bias": True, "mlp_bias": True}),
    "llama, head_dim 24": ("Llama", {"head_dim": 24}),
    "llama, llama3 rope": ("Llama", {**LLAMA3, "max_position_embeddings": 512}),
    "llama, linear rope": ("Llama", rope(rope_type="linear", factor=4.0)),
    "llama, yarn": ("Llama", YARN),
    "mistral": ("Mistral", {"sliding_window": None}),
    "mistral, window shorter than the text": ("Mistral", {"sliding_window": 11}),
    "smollm3": ("SmolLM3", {"no_rope_layers": [1, 0, 1], "pad_token_id": None}),
    "smollm3, biases, window, yarn": ("SmolLM3", {"no_rope_layer_interval": 2, "attention_bias": True, "mlp_bias": True, "use_sliding_window": True,
                                                  "sliding_window": 11, "tie_word_embeddings": True, "pad_token_id": None, **YARN}),
    "qwen2, tied": ("Qwen2", {"tie_word_embeddings": True}),
    "qwen2, windows in later layers": ("Qwen2", {"use_sliding_window": True, "sliding_window": 11, "max_window_layers": 1}),
    "qwen3, head_dim 24": ("Qwen3", {"head_dim": 24}),
    "qwen3, biases, tied, yarn": ("Qwen3", {"head_dim": 32, "attention_bias": True, "tie_word_embeddings": True, **YARN}),
    "gemma2": ("Gemma2", {"head_dim": 24, "query_pre_attn_scalar": 40, "sliding_window": 11, "tie_word_embeddings": True, "pad_token_id": None}),
    "gemma2, no caps, biases": ("Gemma2", {"head_dim": 16, "attn_logit_softcapping": None, "final_logit_softcapping": None, "attention_bias": True,
                                           "pad_token_id": None}),
    "gemma3": ("Gemma3", {"head_dim": 24, "query_pre_attn_scalar": 40, **ALTERNATING, "tie_word_embeddings": True, "pad_token_id": None}),
    "gemma3, scaled, capped": ("Gemma3", {"head_dim": 16, "final_logit_softcapping": 5.0, **ALTERNATING, "pad_token_id": None,
                                          "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                                                              "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}}),
    "phi3": ("Phi3", {"pad_token_id": None}),
    "phi3, window": ("Phi3", {"sliding_window": 11, "pad_token_id": None}),
    "phi3, longrope on three quarters of a head": ("Phi3", {**LONGROPE, "tie_word_embeddings": True, "pad_token_id": None}),
    "olmo2": ("Olmo2", {"pad_token_id": None}),
    "olmo2, biases, tied": ("Olmo2", {"attention_bias": True, "tie_word_embeddings": True, "pad_token_id": None}),
}
# Models that llama.cpp has a place for: windows and layers without positions in its own patterns, rows in whole blocks.
EXPORTED = {
    "llama, tied": ("Llama", {"tie_word_embeddings": True}),
    "llama, biases, llama3 rope": ("Llama", {"attention_bias": True, "mlp_bias": True, **LLAMA3, "max_position_embeddings": 512}),
    "llama, linear rope": ("Llama", rope(rope_type="linear", factor=4.0)),
    "mistral": ("Mistral", {"sliding_window": None, "head_dim": 32}),
    "smollm3": ("SmolLM3", {"num_hidden_layers": 4, "pad_token_id": None}),
    "qwen2, yarn": ("Qwen2", YARN),
    "qwen3": ("Qwen3", {"head_dim": 32, "tie_word_embeddings": True}),
    "gemma2": ("Gemma2", {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 11, "tie_word_embeddings": True, "pad_token_id": None}),
    "gemma3": ("Gemma3", {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 11, "num_hidden_layers": 6, "tie_word_embeddings": True,
                          "pad_token_id": None}),
    "phi3, longrope": ("Phi3", {**LONGROPE, "pad_token_id": None}),
    "olmo2": ("Olmo2", {"pad_token_id": None}),
}
# What LoRA can be put on.
FUSED = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def targets(family):
    return FUSED if family == "Phi3" else LINEAR


def write_model(folder, family, options, spread=0.2):
    """Norms and biases begin as ones and zeros, which would hide what is done with them."""
    torch.manual_seed(0)
    options = {"vocab_size": 258, "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
               "max_position_embeddings": 256, "bos_token_id": 256, "eos_token_id": 257, "tie_word_embeddings": False,
               "initializer_range": spread} | options
    config = getattr(transformers, family + ("TextConfig" if family == "Gemma3" else "Config"))(**options)
    model = getattr(transformers, family + "ForCausalLM")(config)
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    write_byte_tokenizer(folder)
