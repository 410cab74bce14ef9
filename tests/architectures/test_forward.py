"""What of a configuration decides what is computed, against transformers' own classes and defaults."""

from typing import Any

import pytest
from transformers import FlexOlmoConfig, Olmo2Config, PretrainedConfig

from flexmore.architectures.configs import dense_config, mixture_config
from flexmore.architectures.forward import forward_config, mixing_config
from flexmore.modeling import FlexMoREConfig

KINDS = [
    (Olmo2Config, "Olmo2ForCausalLM"),
    (FlexOlmoConfig, "FlexOlmoForCausalLM"),
    (FlexMoREConfig, "FlexMoREForCausalLM"),
]
SIZES: dict[str, Any] = {
    "vocab_size": 48,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def written(kind: type[PretrainedConfig], name: str, **changes: Any) -> dict[str, Any]:
    """What transformers writes."""
    found: dict[str, Any] = kind(**SIZES, pad_token_id=0, **changes).to_dict()
    return found | {"architectures": [name]}


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_keys_that_are_missing_have_transformers_defaults(kind: type[PretrainedConfig], name: str) -> None:
    bare = SIZES | {"architectures": [name]}
    assert forward_config(bare) == forward_config(written(kind, name))
    assert mixing_config(bare) == mixing_config(written(kind, name))


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_every_key_that_changes_the_forward_is_seen(kind: type[PretrainedConfig], name: str) -> None:
    changes = {
        "attention_multiplier": 2.0,  # a key of tomorrow
        "head_dim": 4,
        "hidden_act": "gelu",
        "max_position_embeddings": 99,
        "num_key_value_heads": 1,
        "rms_norm_eps": 0.1,
        "rope_theta": 77.0,
        "rope_scaling": {"rope_type": "linear", "factor": 2.0},
        "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 500_000.0},
        "sliding_window": 64,
        "tie_word_embeddings": True,
    }
    bare = SIZES | {"architectures": [name]}
    for key, value in changes.items():
        assert forward_config(bare | {key: value}) != forward_config(bare), key
    for key, value in SIZES.items():
        assert forward_config(bare | {key: 2 * value}) != forward_config(bare), key
    for key in ("use_cache", "torch_dtype", "transformers_version", "eos_token_id", "initializer_range"):
        assert forward_config(bare | {key: 5}) == forward_config(bare), key


@pytest.mark.parametrize(
    "rope",
    [
        {"rope_theta": 10_000.0},
        {"rope_theta": 10_000, "rope_scaling": None},
        {"rope_theta": 9.0, "rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_theta": 9.0, "rope_scaling": {"rope_type": "dynamic", "factor": 4.0}},
        {"rope_scaling": {"rope_type": "linear", "factor": 4.0}, "rope_parameters": {"rope_type": "default"}},
    ],
)
def test_the_rope_is_the_same_however_it_is_written(rope: dict[str, Any]) -> None:
    old = SIZES | {"architectures": ["Olmo2ForCausalLM"], **rope}
    new = written(Olmo2Config, "Olmo2ForCausalLM", **rope)
    assert "rope_theta" not in new
    assert forward_config(old) == forward_config(new)


def test_keys_that_every_model_may_have_say_nothing() -> None:
    bare = SIZES | {"architectures": ["Olmo2ForCausalLM"]}
    apart = ("architectures", "model_type", "tie_word_embeddings")
    generic = {key: 1 for key in PretrainedConfig().to_dict() if key not in apart}
    assert forward_config(bare | generic) == forward_config(bare)


def test_a_null_is_a_key_that_is_missing_and_numbers_of_heads_have_their_meaning() -> None:
    bare = SIZES | {"architectures": ["Olmo2ForCausalLM"]}
    written_out = {"head_dim": 8, "num_key_value_heads": 2, "sliding_window": None, "hidden_act": None}
    assert forward_config(bare | written_out) == forward_config(bare)


@pytest.mark.parametrize("ranks", [None, [None, 4]])
def test_a_configuration_made_for_another_architecture_keeps_what_it_left_to_defaults(
    ranks: list[int | None] | None,
) -> None:
    """OLMo-2 and FlexOlmo take other values where a key is missing."""
    bare = SIZES | {"architectures": ["Olmo2ForCausalLM"], "rms_norm_eps": None}
    mixture = mixture_config(bare, 2, 2, ranks)
    kind = FlexOlmoConfig if ranks is None else FlexMoREConfig
    assert forward_config(mixture) == forward_config(bare) == forward_config(kind(**mixture, pad_token_id=0).to_dict())
    flex = SIZES | {"architectures": ["FlexOlmoForCausalLM"], "rope_parameters": {"rope_type": "default"}}
    dense = dense_config(flex)
    assert (
        forward_config(dense) == forward_config(flex) == forward_config(Olmo2Config(**dense, pad_token_id=0).to_dict())
    )


def test_how_experts_are_mixed_is_apart() -> None:
    flex = SIZES | {"architectures": ["FlexOlmoForCausalLM"]}
    assert mixing_config(flex) == {"norm_topk_prob": False} != mixing_config(flex | {"norm_topk_prob": True})
    assert forward_config(flex | {"norm_topk_prob": True, "num_experts": 3}) == forward_config(flex)
    assert mixing_config(SIZES | {"architectures": ["Olmo2ForCausalLM"]}) == {}
