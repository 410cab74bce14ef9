"""What is counted from a configuration, against transformers' own models on the meta device."""

from typing import Any

import pytest
import torch
from transformers import (
    BloomConfig,
    FlexOlmoConfig,
    FlexOlmoForCausalLM,
    GPT2Config,
    Olmo2Config,
    Olmo2ForCausalLM,
    PretrainedConfig,
)

from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import FlexmoreError
from flexmore.mixtures.parameters import count_parameters
from flexmore.modeling import FlexMoREConfig, FlexMoREForCausalLM

SMALL: dict[str, Any] = {
    "vocab_size": 321,
    "hidden_size": 64,
    "intermediate_size": 200,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "pad_token_id": 0,
}
OTHERS = [{}, {"num_key_value_heads": 2}, {"tie_word_embeddings": True}, {"head_dim": 4}]


def counted(model: Any) -> int:
    """transformers' number of parameters of a model that is never filled."""
    return int(model.num_parameters())


@pytest.mark.parametrize("other", OTHERS)
def test_a_dense_model_has_the_parameters_that_transformers_counts(other: dict[str, Any]) -> None:
    config = Olmo2Config(**SMALL | other)
    with torch.device("meta"):
        expected = counted(Olmo2ForCausalLM(config))
    assert count_parameters(ModelSizes.from_config(config.to_dict()), {}, 1)["total"] == expected


@pytest.mark.parametrize("other", OTHERS)
def test_a_mixture_has_the_parameters_that_transformers_counts(other: dict[str, Any]) -> None:
    config = FlexOlmoConfig(**SMALL | other, num_experts=3, num_experts_per_tok=2)
    with torch.device("meta"):
        expected = counted(FlexOlmoForCausalLM(config))
    sizes = ModelSizes.from_config(config.to_dict())
    assert count_parameters(sizes, {"math": "full", "news": "full"}, 2)["total"] == expected


def test_a_factored_mixture_has_the_parameters_that_transformers_counts() -> None:
    config = FlexMoREConfig(**SMALL, num_experts=3, num_experts_per_tok=2, expert_ranks=[None, 5, None])
    with torch.device("meta"):
        expected = counted(FlexMoREForCausalLM(config))
    sizes = ModelSizes.from_config(config.to_dict())
    assert count_parameters(sizes, {"math": 5, "news": "full"}, 2)["total"] == expected


def test_an_expert_and_its_public_model_have_equal_sizes() -> None:
    dense, mixture = Olmo2Config(**SMALL), FlexOlmoConfig(**SMALL, num_experts=2)
    assert ModelSizes.from_config(dense.to_dict()) == ModelSizes.from_config(mixture.to_dict())


def test_shapes_are_those_of_transformers_modules() -> None:
    with torch.device("meta"):
        block = Olmo2ForCausalLM(Olmo2Config(**SMALL)).model.layers[0].mlp
    sizes = ModelSizes.from_config(Olmo2Config(**SMALL).to_dict())
    for projection in PROJECTIONS:
        assert sizes.shape(projection) == tuple(block.get_submodule(projection).weight.shape)


@pytest.mark.parametrize("config", [GPT2Config(), BloomConfig()])
def test_an_unknown_architecture_is_refused_by_name(config: PretrainedConfig) -> None:
    with pytest.raises(FlexmoreError, match=f"architecture {config.model_type}; expected olmo2 or flex_olmo"):
        ModelSizes.from_config(config.to_dict())


def test_biases_which_are_not_counted_are_refused() -> None:
    with pytest.raises(FlexmoreError, match="attention_bias is True; expected False of Olmo2ForCausalLM"):
        ModelSizes.from_config(Olmo2Config(**SMALL, attention_bias=True).to_dict())


def test_a_missing_size_is_named() -> None:
    with pytest.raises(FlexmoreError, match="no hidden_size, vocab_size; expected the sizes of Olmo2ForCausalLM"):
        ModelSizes.from_config(
            {"model_type": "olmo2", "num_attention_heads": 2, "intermediate_size": 4, "num_hidden_layers": 1}
        )
