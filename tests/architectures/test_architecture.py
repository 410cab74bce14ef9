"""What the data of an architecture can say, against decoders of transformers that are not known here yet."""

from dataclasses import replace
from math import prod

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    Olmo3Config,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from flexmore.architectures.architecture import Architecture
from flexmore.architectures.olmo2 import OLMO2

SMALL = {
    "vocab_size": 11,
    "hidden_size": 48,
    "intermediate_size": 40,
    "num_hidden_layers": 1,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "pad_token_id": 0,
}
PLAIN = replace(OLMO2, query_key_norms="none", layer_norms=("input_layernorm", "post_attention_layernorm"))


@pytest.mark.parametrize(
    ("config", "architecture"),
    [
        (LlamaConfig(**SMALL), PLAIN),
        (MistralConfig(**SMALL), PLAIN),
        (Qwen2Config(**SMALL), replace(PLAIN, attention_biases=("query", "key", "value"))),
        (Qwen3Config(**SMALL), replace(PLAIN, query_key_norms="head")),
        (Olmo3Config(**SMALL), OLMO2),
    ],
    ids=lambda value: getattr(value, "model_type", None),
)
def test_a_layer_has_the_tensors_that_transformers_has(config: PretrainedConfig, architecture: Architecture) -> None:
    names = architecture.names
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    layer = dict(model.get_submodule(names.layer(0)).named_parameters())
    expected = {name: tuple(tensor.shape) for name, tensor in layer.items() if not name.startswith("mlp.")}
    head = layer["self_attn.q_proj.weight"].shape[0] // 6
    assert architecture.layer_shapes(48, 6 * head, 2 * head, head) == expected
    assert architecture.layer_parameters(48, 6 * head, 2 * head, head) == sum(map(prod, expected.values()))
