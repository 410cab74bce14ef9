"""The experts of a layer against transformers' FlexOlmoExperts on the merged weights."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from merged_witness import merged as witness_weight
from torch import Tensor
from transformers import FlexOlmoConfig
from transformers.models.flex_olmo.modeling_flex_olmo import FlexOlmoExperts

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.modeling import FlexMoREConfig
from flexmore.modeling.dense_cache import DenseCache
from flexmore.modeling.layer.merging import merged_weights
from flexmore.modeling.layer.mixing import FlexMoREExperts

SIZES: dict[str, Any] = {"num_hidden_layers": 1, "num_attention_heads": 1, "pad_token_id": 0, "vocab_size": 8}


def make(hidden: int, ffn: int, ranks: list[Any], dtype: torch.dtype = torch.float64, seed: int = 0) -> FlexMoREExperts:
    """Random experts, the public one first."""
    torch.manual_seed(seed)
    config = FlexMoREConfig(
        hidden_size=hidden,
        intermediate_size=ffn,
        num_experts=len(ranks),
        num_experts_per_tok=1,
        expert_ranks=ranks,
        **SIZES,
    )
    experts = FlexMoREExperts(config, 0, DenseCache()).to(dtype)
    for parameter in experts.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return experts


def merged(experts: FlexMoREExperts) -> FlexOlmoExperts:
    """transformers' class with public + B·A for every adapter, in fp64."""
    config = FlexOlmoConfig(
        hidden_size=experts.hidden,
        intermediate_size=experts.ffn,
        num_experts=len(experts),
        num_experts_per_tok=1,
        **SIZES,
    )
    config._experts_implementation = "eager"
    witness = FlexOlmoExperts(config)
    witness.config = config
    gate, up, down = (
        torch.stack([witness_weight(expert, experts[0], name, torch.float64) for expert in experts])
        for name in PROJECTIONS
    )
    witness.gate_up_proj = torch.nn.Parameter(torch.cat([gate, up], dim=1))
    witness.down_proj = torch.nn.Parameter(down)
    return witness


def routed(tokens: int, experts: int, active: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Indices and weights as the router gives them."""
    generator = torch.Generator().manual_seed(seed)
    weights, index = torch.softmax(torch.randn(tokens, experts, generator=generator).double() * 2, -1).topk(active)
    return index, weights


RANK = st.one_of(st.none(), st.integers(0, 9))
ENTRY = st.one_of(RANK, st.fixed_dictionaries(dict.fromkeys(PROJECTIONS, RANK)))


@settings(max_examples=150, derandomize=True)
@given(
    hidden=st.integers(1, 9), ffn=st.integers(1, 12), ranks=st.lists(ENTRY, max_size=6), tokens=st.integers(1, 40),
    seed=st.integers(0, 99), data=st.data(), grad=st.booleans(),
)  # fmt: skip
def test_any_ranks_and_routing_give_what_the_merged_experts_give(
    hidden: int, ffn: int, ranks: list[Any], tokens: int, seed: int, data: st.DataObject, grad: bool
) -> None:
    """Adapters run merged past break-even without gradients, and as corrections with them."""
    active = data.draw(st.integers(1, len(ranks) + 1))
    experts = make(hidden, ffn, [None, *ranks], seed=seed)
    x = torch.randn(tokens, hidden, dtype=torch.float64)
    index, weights = routed(tokens, len(experts), active, seed)
    with torch.set_grad_enabled(grad):
        found = experts(x, index, weights)
    torch.testing.assert_close(found, merged(experts)(x, index, weights), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("tokens", [1, 2, 600])
@pytest.mark.parametrize("active", [1, 2, 3, 4])
def test_many_tokens_are_taken_in_blocks(tokens: int, active: int) -> None:
    """More tokens than a chunk, and enough that one product takes all A factors."""
    experts = make(6, 2048, [None, 2, None, 4])
    x = torch.randn(tokens, 6, dtype=torch.float64)
    index, weights = routed(tokens, 4, active)
    torch.testing.assert_close(experts(x, index, weights), merged(experts)(x, index, weights), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("choice", [[0, 1], [1, 2], [2, 3], [3, 0]])
def test_an_expert_that_no_token_chose_and_tokens_that_chose_no_adapter(choice: list[int]) -> None:
    experts = make(6, 8, [None, 2, None, None])
    x = torch.randn(5, 6, dtype=torch.float64)
    index, weights = torch.tensor([choice] * 5), torch.rand(5, 2, dtype=torch.float64)
    torch.testing.assert_close(experts(x, index, weights), merged(experts)(x, index, weights))


@pytest.mark.parametrize(
    "ranks", [[None, 2, 1], [None, 3, None], [None, {"gate_proj": 2, "up_proj": None, "down_proj": 0}]]
)
@pytest.mark.parametrize("active", [1, 2])
def test_gradients_reach_factors_weights_and_router(ranks: list[Any], active: int) -> None:
    experts = make(3, 5, ranks)
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    index, weights = routed(4, len(ranks), active)
    names = [name for name, _ in experts.named_parameters()]

    def forward(x: Tensor, weights: Tensor, *parameters: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(
            experts, dict(zip(names, parameters, strict=True)), (x, index, weights)
        )
        return found

    assert torch.autograd.gradcheck(forward, (x, weights.requires_grad_(), *experts.parameters()))


def test_merged_weights_follow_their_factors_and_the_limit() -> None:
    """Rank 4 of 6 x 6 is past break-even, 3: merged once, merged again after training, not merged beyond the limit."""
    experts = make(6, 6, [None, 4])
    cache = experts.cache
    x, (index, weights) = torch.randn(3, 6, dtype=torch.float64), routed(3, 2, 2)
    with torch.no_grad():
        first = experts(x, index, weights)
        held = merged_weights(cache, 0, experts[1], experts[0])
        assert held is merged_weights(cache, 0, experts[1], experts[0])
        assert cache.used == 3 * 36 * 8
        experts[1].factors("up_proj")[0].weight.mul_(3)  # type: ignore[index]
        second = experts(x, index, weights)
        assert not torch.allclose(first, second)
        torch.testing.assert_close(second, merged(experts)(x, index, weights))
        assert cache.used == 3 * 36 * 8
        cache.clear()
        cache.limit = 3 * 36 * 8 - 1
        torch.testing.assert_close(experts(x, index, weights), second)
        assert merged_weights(cache, 0, experts[1], experts[0]) is None


def test_merged_weights_follow_a_conversion() -> None:
    experts = make(6, 6, [None, 4])
    x, (index, weights) = torch.randn(3, 6), routed(3, 2, 2)
    with torch.no_grad():
        experts(x.double(), index, weights)
        found = experts.float()(x, index, weights.float())
        torch.testing.assert_close(found, merged(experts).float()(x, index, weights.float()))


def test_inference_mode() -> None:
    with torch.inference_mode():
        experts = make(6, 6, [None, 5])
        x, (index, weights) = torch.randn(3, 6, dtype=torch.float64), routed(3, 2, 2)
        torch.testing.assert_close(experts(x, index, weights), merged(experts)(x, index, weights))
