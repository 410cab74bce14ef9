"""Configurations of one architecture made from another's, against transformers'."""

import json

from transformers import FlexOlmoConfig, Olmo2Config

from flexmore.architectures.configs import dense_config, mixture_config
from flexmore.modeling import FlexMoREConfig

SMALL = {"vocab_size": 12, "hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 2}


def saved(config: object) -> dict[str, object]:
    """A configuration as its `config.json` has it."""
    content: dict[str, object] = json.loads(config.to_json_string(use_diff=False))  # type: ignore[attr-defined]
    return content


def test_a_mixture_made_from_a_dense_model_is_transformers_configuration() -> None:
    dense = saved(Olmo2Config(**SMALL, rms_norm_eps=1e-4))
    made = mixture_config(dense, experts=3, active=2)
    config = FlexOlmoConfig.from_dict(made)
    assert (config.num_experts, config.num_experts_per_tok, config.rms_norm_eps) == (3, 2, 1e-4)
    assert (made["architectures"], made["model_type"]) == (["FlexOlmoForCausalLM"], "flex_olmo")
    factored = FlexMoREConfig.from_dict(mixture_config(made, experts=2, active=1, ranks=[None, 4]))
    assert (factored.num_experts, factored.expert_ranks) == (2, [None, 4])


def test_a_dense_model_made_from_a_mixture_has_no_key_of_routers() -> None:
    source = saved(FlexOlmoConfig(**SMALL, num_experts=4))
    made = dense_config(source)
    assert not [key for key in made if "expert" in key or "router" in key or "topk" in key]
    assert made["architectures"] == ["Olmo2ForCausalLM"]
    assert Olmo2Config.from_dict(made).hidden_size == 8
