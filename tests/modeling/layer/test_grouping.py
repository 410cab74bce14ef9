"""The grouping of tokens by expert, against a loop over tokens."""

import pytest
import torch
from torch import Tensor

from flexmore.modeling.layer.grouping import RoutedTokens

EXPERTS = 4


def routed(tokens: int, active: int) -> tuple[RoutedTokens, Tensor]:
    """Random tokens, and their weights by expert, [tokens, experts]."""
    generator = torch.Generator().manual_seed(tokens)
    weights, index = torch.rand(tokens, EXPERTS, generator=generator).topk(active)
    dense = torch.zeros(tokens, EXPERTS)
    for token in range(tokens):
        for slot in range(active):
            dense[token, index[token, slot]] = weights[token, slot]
    return RoutedTokens.of(torch.randn(tokens, 3, generator=generator), index, weights, EXPERTS), dense


@pytest.mark.parametrize("active", [1, 2, 4])
def test_every_expert_gets_the_tokens_that_chose_it(active: int) -> None:
    tokens, dense = routed(9, active)
    for expert, (rows, weight) in enumerate(tokens.routes()):
        expected = torch.arange(9) if rows is None else dense[:, expert].nonzero().squeeze(1)
        found = torch.arange(9) if rows is None else rows
        assert torch.equal(found, expected)
        assert torch.equal(weight.squeeze(1), dense[expected, expert])


@pytest.mark.parametrize("active", [1, 2, 4])
def test_weights_of_several_experts_are_added(active: int) -> None:
    tokens, dense = routed(9, active)
    torch.testing.assert_close(tokens.weight_of([0, 2]).squeeze(1), dense[:, 0] + dense[:, 2])
    expected = torch.stack([dense[:, 0] + dense[:, 2], dense[:, 3], dense[:, 1]])
    torch.testing.assert_close(tokens.weights_by_expert([0, 2], [3, 1]), expected)
    assert torch.equal(tokens.weights_by_expert([0], [1, 2, 3]), dense.T)


@pytest.mark.parametrize("experts", [[0], [1, 3], [0, 1, 2, 3]])
def test_tokens_that_chose_one_of_some_experts_are_found(experts: list[int]) -> None:
    tokens, dense = routed(9, 2)
    rows = tokens.choosing(experts)
    expected = (dense[:, experts] > 0).any(1).nonzero().squeeze(1)
    assert torch.equal(torch.arange(9) if rows is None else rows, expected)
    if rows is not None:
        assert torch.equal(tokens.rows(rows).weight_of(experts), tokens.weight_of(experts)[rows])
