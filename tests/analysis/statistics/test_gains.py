"""Gains and paired intervals against hand-computed and scipy's."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import Made
from scipy import stats

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.gains import gains
from flexmore.errors import FlexmoreError


def _of(frame: pd.DataFrame, mixture: str, scope: str, name: str) -> pd.Series:
    return frame[(frame["mixture"] == mixture) & (frame["scope"] == scope) & (frame["name"] == name)].iloc[0]


def _items(study: Inputs, mixture: str, task: str) -> np.ndarray:
    assert study.items is not None
    rows = study.items[(study.items["mixture"] == mixture) & (study.items["task"] == task)]
    return np.asarray(rows["items"].iloc[0], dtype=float)


def test_one_task_is_the_paired_t_test(study: Inputs) -> None:
    found = _of(gains(study.scores, study.items, 0.9), "math-r4", "task", "mmlu_math")
    own, public = _items(study, "math-r4", "mmlu_math"), _items(study, "public", "mmlu_math")
    witness = stats.ttest_rel(own, public)
    low, high = witness.confidence_interval(0.9)
    assert found["gain"] == pytest.approx(own.mean() - public.mean())
    assert found["stderr"] == pytest.approx(found["gain"] / witness.statistic)
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_a_mean_over_tasks(study: Inputs) -> None:
    found = _of(gains(study.scores, study.items), "math-r4", "domain", "math")
    tasks = study.scores[study.scores["domain"] == "math"]["task"].unique()
    errors = [stats.sem(_items(study, "math-r4", t) - _items(study, "public", t)) for t in tasks]
    assert found["tasks"] == len(tasks)
    assert found["stderr"] == pytest.approx(math.sqrt(sum(e**2 for e in errors)) / len(tasks))


def test_two_tasks_are_welch(study: Inputs) -> None:
    """The mean of two tasks' gains is half a difference of means: Welch's interval, as scipy has it."""
    found = _of(gains(study.scores, study.items), "math-r4", "group", "BBH")
    one, two = (_items(study, "math-r4", t) - _items(study, "public", t) for t in ("bbh_math", "bbh_public"))
    low, high = stats.ttest_ind(one, -two, equal_var=False).confidence_interval(0.95)
    assert (2 * found["low"], 2 * found["high"]) == pytest.approx((low, high))


def test_the_truth_is_found_again(study: Inputs) -> None:
    found = gains(study.scores, study.items)
    made = Made()
    for expert in made.midpoints:
        for rank in ("r2", "r8", "r64", "full"):
            row = _of(found, f"{expert}-{rank}", "domain", expert)
            truth = made.gain * made.recovered(expert, rank.removeprefix("r"))
            assert row["gain"] == pytest.approx(truth, abs=1 / made.items)
    assert "public" not in set(found["mixture"])


def test_equal_answers_gain_exactly_nothing(study: Inputs) -> None:
    public = study.scores[study.scores["kind"] == "baseline"]
    same = public.assign(mixture="twin", kind="pair", experts="twin", rank="1", effective_rank="1")
    found = gains(pd.concat([public, same]), None)
    assert (found["gain"] == 0).all()
    assert not found["paired"].any()
    assert (found["low"] < 0).all()


def test_items_that_do_not_fit_are_refused(study: Inputs) -> None:
    assert study.items is not None
    items = study.items.copy()
    items.loc[items["mixture"] == "math-r1", "items"] = items["items"].map(lambda row: row[:-1])
    with pytest.raises(FlexmoreError, match=r"items of math-r1 on mc9_math: 49, but 50 of public"):
        gains(study.scores, items)
    with pytest.raises(FlexmoreError, match="items of math-r1 on mc9_math: none"):
        gains(study.scores, study.items[study.items["mixture"] != "math-r1"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=3, max_size=40))
def test_any_items_agree_with_scipy(pairs: list[tuple[bool, bool]]) -> None:
    public, own = np.array(pairs, dtype=float).T
    row = {"group": "MC9", "domain": "", "task": "t", "metric": "acc", "stderr": 0.0, "n": len(own), "parameters": 1}
    base = {"mixture": "public", "kind": "baseline", "experts": "", "rank": "0", "effective_rank": "0", "active": 1}
    pair = {"mixture": "a-r1", "kind": "pair", "experts": "a", "rank": "1", "effective_rank": "1", "active": 2}
    scores = pd.DataFrame([row | base | {"score": public.mean()}, row | pair | {"score": own.mean()}])
    items = pd.DataFrame({"mixture": ["public", "a-r1"], "task": "t", "items": [public, own]})
    found = gains(scores, items).iloc[0]
    difference = own - public
    half = stats.t.ppf(0.975, len(own) - 1) * stats.sem(difference)
    assert (found["low"], found["high"]) == pytest.approx((difference.mean() - half, difference.mean() + half))
