"""An expert beside the frozen public expert, against transformers' own FlexOlmo."""

import torch
from tiny_family import SIZES
from transformers import FlexOlmoConfig, Olmo2Config, Olmo2ForCausalLM

from flexmore.training.branch import as_flex_olmo, branch

TOKENS = torch.arange(3, 33)[None]
PAIR = FlexOlmoConfig(**SIZES, num_experts=2, num_experts_per_tok=2)


def dense_model() -> Olmo2ForCausalLM:
    """Random weights, large enough that differences show."""
    torch.manual_seed(0)
    model = Olmo2ForCausalLM(Olmo2Config(**SIZES))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def test_two_copies_of_the_public_expert_are_the_public_model() -> None:
    """The norm after the FFN cancels the mixture's weights: the unit in which a pair's gain is counted."""
    model = dense_model()
    with torch.no_grad():
        wanted = model(TOKENS).logits
        branch(model, [torch.zeros(model.config.hidden_size)] * len(model.model.layers))
        torch.testing.assert_close(as_flex_olmo(model, PAIR)(TOKENS).logits, wanted, atol=2e-5, rtol=1e-4)


def test_what_is_trained_is_what_transformers_computes() -> None:
    model = dense_model()
    weights = branch(model, [torch.randn(model.config.hidden_size) * 0.3 for _ in model.model.layers])
    with torch.no_grad():
        for weight in weights.values():
            weight.add_(torch.randn_like(weight) * 0.2)
        torch.testing.assert_close(model(TOKENS).logits, as_flex_olmo(model, PAIR)(TOKENS).logits, atol=2e-5, rtol=1e-4)


def test_only_the_expert_and_its_router_row_are_trained() -> None:
    model = dense_model()
    frozen = {id(parameter) for parameter in model.parameters()}
    weights = branch(model, [torch.zeros(model.config.hidden_size)] * len(model.model.layers))
    assert not frozen & {id(weight) for weight in weights.values()}
    assert set(weights) == {
        f"model.layers.{layer}.mlp.{part}"
        for layer in range(2)
        for part in ("router", *(f"expert.{name}_proj.weight" for name in ("gate", "up", "down")))
    }
