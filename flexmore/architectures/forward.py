"""What of `config.json` decides what a model computes: everything but keys that are known to say nothing of it."""

from collections.abc import Mapping
from typing import Any

from flexmore.architectures.registry import architecture_of

_SAY_NOTHING = set(
    """
    _attn_implementation _name_or_path add_cross_attention architectures attention_dropout attn_implementation
    auto_map bos_token_id chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id dtype
    eos_token_id finetuning_task id2label initializer_range is_decoder is_encoder_decoder label2id model_type
    name_or_path output_attentions output_hidden_states pad_token_id prefix problem_type pruned_heads return_dict
    sep_token_id task_specific_params tf_legacy_loss tie_encoder_decoder tokenizer_class torch_dtype torchscript
    transformers_version use_bfloat16 use_cache
    """.split()
)
"""Keys that every model of transformers may have, or that are about training, saving or tokens."""
_ROPE = ("rope_parameters", "rope_scaling", "rope_theta")


def forward_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a `config.json` decides what the public weights compute.

    Keys that are missing or null have the value that transformers takes for them; the rope stands under `rope`, however
    it is written. Keys that nobody here has heard of count too.
    """
    architecture = architecture_of(config)
    apart = {*_SAY_NOTHING, *architecture.mixture_keys, *_ROPE}
    given = {key: value for key, value in config.items() if key not in apart and value is not None}
    defaults = dict(architecture.defaults)
    theta = defaults.pop("rope_theta", None)
    found = defaults | given
    if heads := config.get("num_attention_heads"):
        widths = {"num_key_value_heads": heads, "head_dim": config.get("hidden_size", 0) // heads}
        found = widths | found
    return found | {"rope": _rope(config, theta)}


def written_out(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a `config.json` with every default that decides something; another architecture has other defaults."""
    defaults = dict(architecture_of(config).defaults)
    theta = defaults.pop("rope_theta", None)
    found = {key: value for key, value in config.items() if value is not None or key not in defaults}
    if theta is not None and _rope(config, None)["rope_theta"] is None:
        found["rope_theta"] = theta
    return defaults | found


def mixing_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a `config.json` decides how experts are mixed, besides how many; empty of a dense model."""
    return {key: config.get(key, value) for key, value in architecture_of(config).mixing_defaults}


def _rope(config: Mapping[str, Any], theta: Any) -> dict[str, Any]:
    """Return the rotary position embeddings' settings as transformers 5 writes them.

    Older ones are `rope_theta` beside `rope_scaling`, whose `type` is now `rope_type`.
    """
    written = dict(config.get("rope_scaling") or config.get("rope_parameters") or {})
    if "type" in written:
        written.setdefault("rope_type", written.pop("type"))
    base = config.get("rope_theta")
    return {"rope_type": "default", "rope_theta": theta if base is None else base} | written
