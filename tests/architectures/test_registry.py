"""Architectures found by what config.json says."""

import pytest

from flexmore.architectures.registry import architecture_named, architecture_of, architectures
from flexmore.errors import FlexmoreError


def test_each_is_found_by_class_name_and_by_model_type() -> None:
    for known in architectures():
        assert architecture_of({"architectures": [known.class_name]}) is known
        assert architecture_of({"architectures": None, "model_type": known.model_type}) is known
        assert not architecture_named(known.dense).routed


def test_the_class_name_decides_where_there_are_both() -> None:
    with pytest.raises(FlexmoreError, match=r"architecture GPT2LMHeadModel; expected Olmo2ForCausalLM or FlexOlmo"):
        architecture_of({"architectures": ["GPT2LMHeadModel"], "model_type": "olmo2"})


def test_a_configuration_that_names_none_is_refused() -> None:
    with pytest.raises(FlexmoreError, match="architecture nothing; expected olmo2 or"):
        architecture_of({})


@pytest.mark.parametrize("kind", ["olmo2", "llama", "flexmore"])
def test_a_model_type_of_another_architecture_is_refused(kind: str) -> None:
    """transformers chooses its code by the model type."""
    with pytest.raises(FlexmoreError, match=f"FlexOlmoForCausalLM and model_type is '{kind}', .*expected 'flex_olmo'"):
        architecture_of({"architectures": ["FlexOlmoForCausalLM"], "model_type": kind})
