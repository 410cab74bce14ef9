"""The decision between corrections and dense weights."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexmore.mixtures.dense_or_factors import break_even, dense_experts, layer_cost

HIDDEN, FFN = 4096, 11008


@pytest.mark.parametrize(
    ("experts", "active", "expected"),
    [
        (2, 2, 2985),  # public always among the chosen: hidden * ffn / (hidden + ffn)
        (7, 7, 2985),
        (7, 2, round(2985 * (1 - 1 / 2) * 7 / 6)),  # public among them in 2 of 7 cases
    ],
)
def test_break_even_at_the_papers_shapes(experts: int, active: int, expected: int) -> None:
    assert break_even(experts, active, HIDDEN, FFN) == pytest.approx(expected, abs=1)


@settings(max_examples=80, derandomize=True)
@given(
    ranks=st.lists(st.one_of(st.none(), st.integers(0, 4096)), max_size=6).map(lambda ranks: (None, *ranks)),
    data=st.data(),
)  # fmt: skip
def test_no_other_choice_multiplies_less(ranks: tuple[int | None, ...], data: st.DataObject) -> None:
    """By enumeration of every token's choice and every set of dense experts."""
    active = data.draw(st.integers(1, len(ranks)))
    chosen_sets = list(combinations(range(len(ranks)), active))

    def cost(dense: frozenset[int]) -> float:
        total = 0.0
        for chosen in chosen_sets:
            low = [expert for expert in chosen if expert not in dense]
            total += HIDDEN * FFN * (bool(low) + sum(expert in dense for expert in chosen))
            total += sum((ranks[expert] or 0) * (HIDDEN + FFN) for expert in low)
        return total / len(chosen_sets)

    full = {expert for expert in range(1, len(ranks)) if ranks[expert] is None}
    adapters = [expert for expert in range(1, len(ranks)) if ranks[expert] is not None]
    choices = [full | set(some) for size in range(len(adapters) + 1) for some in combinations(adapters, size)]
    found = dense_experts(ranks, active, HIDDEN, FFN)
    assert full <= found
    assert layer_cost(ranks, active, HIDDEN, FFN) * HIDDEN * FFN == pytest.approx(cost(found))
    assert cost(found) == pytest.approx(min(cost(frozenset(choice)) for choice in choices))
