"""Names of tensors and modules, against transformers' models, what they save, and peft."""

from pathlib import Path

import peft
import torch
from safetensors import safe_open
from transformers import FlexOlmoConfig, FlexOlmoForCausalLM, Olmo2Config, Olmo2ForCausalLM

from flexmore.architectures.flex_olmo import FLEX_OLMO
from flexmore.architectures.flexmore import FLEXMORE
from flexmore.architectures.olmo2 import OLMO2
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.modeling import FlexMoREConfig, FlexMoREForCausalLM

SMALL = {
    "vocab_size": 12,
    "hidden_size": 8,
    "intermediate_size": 10,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "pad_token_id": 0,
}
PLACES = [(layer, projection) for layer in range(2) for projection in PROJECTIONS]


def test_a_dense_model_has_these_names() -> None:
    names = OLMO2.names
    with torch.device("meta"):
        model = Olmo2ForCausalLM(Olmo2Config(**SMALL))
    expected = set(model.state_dict())
    feed_forward = {names.weight(layer, projection) for layer, projection in PLACES}
    assert {name for name in expected if not names.is_backbone(name)} == feed_forward
    modules = {name for name, _ in model.named_modules()}
    assert {*names.outside_layers, names.layer(0), names.layer(1)} <= modules
    assert {names.module(layer, projection) for layer, projection in PLACES} <= modules


def test_a_mixture_has_these_names_in_both_layouts(tmp_path: Path) -> None:
    names = FLEX_OLMO.names
    model = FlexOlmoForCausalLM(FlexOlmoConfig(**SMALL, num_experts=2))
    routers = {names.router(layer) for layer in range(2)}
    fused = {names.fused(layer, projection) for layer, projection in PLACES}
    assert {name for name in model.state_dict() if not names.is_backbone(name)} == routers | fused
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        saved = set(file.keys())
    whole = {names.weight(layer, projection, expert) for layer, projection in PLACES for expert in (0, 1)}
    assert {name for name in saved if not names.is_backbone(name)} == routers | whole


def test_a_factored_mixture_has_these_names() -> None:
    names = FLEXMORE.names
    with torch.device("meta"):
        model = FlexMoREForCausalLM(
            FlexMoREConfig(**SMALL, num_experts=2, num_experts_per_tok=2, expert_ranks=[None, 3])
        )
    public = {names.weight(layer, projection, 0) for layer, projection in PLACES}
    factors = {name for layer, projection in PLACES for name in names.factors(layer, projection, 1)}
    routers = {names.router(layer) for layer in range(2)}
    assert {name for name in model.state_dict() if not names.is_backbone(name)} == public | factors | routers


def test_lora_names_are_those_that_peft_saves(tmp_path: Path) -> None:
    names = OLMO2.names
    config = peft.LoraConfig(r=2, target_modules=list(PROJECTIONS), task_type="CAUSAL_LM")
    peft.get_peft_model(Olmo2ForCausalLM(Olmo2Config(**SMALL)), config).save_pretrained(tmp_path)
    with safe_open(tmp_path / "adapter_model.safetensors", framework="pt") as file:
        saved = set(file.keys())
    assert saved == {name for layer, projection in PLACES for name in names.lora(layer, projection)}
    for layer, projection in PLACES:
        for expert in (None, 0):
            a, b = names.lora(layer, projection, expert)
            assert (names.parse_lora(a), names.parse_lora(b)) == ((layer, projection, "A"), (layer, projection, "B"))


def test_lora_names_of_other_modules_are_not_taken() -> None:
    names = OLMO2.names
    first = names.lora(0, "up_proj")[0]
    for other in (
        first.replace("mlp.up_proj", "self_attn.q_proj"),
        first + "s",
        first.replace("mlp.", "mlp.experts.1."),
    ):
        assert names.parse_lora(other) is None
