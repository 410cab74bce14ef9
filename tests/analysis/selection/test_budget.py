"""Ranks under a budget: no set of ranks is better."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.budget import Choices, choices_of, front_of, within
from flexmore.analysis.statistics.gains import gains
from flexmore.errors import FlexmoreError


def _choices(gain: list[list[float]], size: list[int], base: int = 1000) -> Choices:
    rows = [
        {"expert": f"e{i}", "rank": str(2**j), "mixture": f"e{i}-r{2**j}", "gain": value, "size": size[j]}
        for i, values in enumerate(gain)
        for j, value in enumerate(values)
    ]
    return Choices(pd.DataFrame(rows), base)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(-20, 60), min_size=4, max_size=4), min_size=1, max_size=4),
    st.lists(st.integers(0, 300), min_size=4, max_size=4, unique=True).map(sorted),
    st.integers(1000, 2300),
)
def test_no_set_is_better(gain: list[list[int]], size: list[int], budget: int) -> None:
    choices = _choices([[value / 100 for value in row] for row in gain], size)
    front = front_of(choices)
    sets = [
        dict(zip(choices.experts, ranks, strict=True))
        for ranks in itertools.product(("1", "2", "4", "8"), repeat=len(gain))
    ]
    affordable = [chosen for chosen in sets if choices.parameters(chosen) <= budget]
    if not affordable:
        with pytest.raises(FlexmoreError, match="the smallest mixture of these experts has"):
            within(front, budget, choices)
        return
    best = max(choices.gain(chosen) for chosen in affordable)
    found = within(front, budget, choices)
    assert choices.gain(found) == pytest.approx(best)
    assert choices.parameters(found) <= budget
    cheapest = min(choices.parameters(chosen) for chosen in affordable if choices.gain(chosen) >= best - 1e-9)
    assert choices.parameters(found) == cheapest
    assert (front[["parameters", "gain"]].diff().iloc[1:] > 0).all(axis=None)


def test_scipys_solver_finds_no_better() -> None:
    generator = np.random.default_rng(0)
    gain = np.sort(generator.normal(0.1, 0.1, (6, 13)), axis=1).round(4)
    size = [100 * 2**j for j in range(13)]
    choices = _choices(gain.tolist(), size)
    for budget in (10_000, 60_000, 200_000):
        solved = milp(
            -gain.ravel(), integrality=np.ones(gain.size), bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(np.kron(np.eye(6), np.ones(13)), 1, 1),
                LinearConstraint(np.tile(size, 6), -np.inf, budget - choices.base),
            ],
        )  # fmt: skip
        assert choices.gain(within(front_of(choices), budget, choices)) == pytest.approx(-solved.fun)


def test_the_papers_budget_holds_the_rank_sums_it_must() -> None:
    """The published 10.75B is a rank sum of 2377 to 2383 over six 7B experts, so no rank of 4096 fits."""
    unit, ladder = 1_449_984, [2**i for i in range(13)]
    rows = [
        {"expert": f"e{i}", "rank": str(r), "mixture": f"e{i}-r{r}", "gain": np.log2(r) / 100, "size": unit * (r - 1)}
        for i in range(6)
        for r in ladder
    ]
    public_and_routers = 7_298_617_344 + 32 * 4096 * 7
    choices = Choices(pd.DataFrame(rows), public_and_routers + 6 * unit)
    ranks = within(front_of(choices), 10_755_000_000, choices)
    assert sum(map(int, ranks.values())) <= 2383
    assert choices.parameters(dict.fromkeys(choices.experts, "256")) == public_and_routers + 6 * 256 * unit
    with pytest.raises(FlexmoreError, match="allow at least that"):
        within(front_of(choices), 7_000_000_000, choices)


def test_parameters_are_those_of_the_measured_mixtures(study: Inputs) -> None:
    gained = gains(study.scores, study.items)
    choices = choices_of(gained)
    joint = gained[(gained["kind"] == "joint") & (gained["scope"] == "average")].set_index("mixture")["parameters"]
    for rank, ranks in choices.uniform().items():
        name = "joint-a2-full" if rank == "full" else f"joint-a2-r{rank}"
        assert choices.parameters(ranks) == joint[name]
    with pytest.raises(FlexmoreError, match="no joint mixture at a uniform rank"):
        choices_of(gained[gained["kind"] != "joint"])
