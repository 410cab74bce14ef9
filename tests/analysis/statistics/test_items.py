"""Items, halves, resampling and monotone fits, against numpy's, scipy's and hand-computed ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import isotonic_regression

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.isotonic import arrival, crossing, monotone, reach
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.resampling import resample_items, resample_tasks, sample_normal
from flexmore.analysis.statistics.scopes import Scopes
from flexmore.errors import FlexmoreError


def _answers(shape: tuple[int, int, int], seed: int = 0) -> ItemScores:
    tasks, rows, items = shape
    values = np.random.default_rng(seed).integers(0, 2, (tasks, rows, items)).astype(float)
    return ItemScores(tuple(f"m{i}" for i in range(rows)), tuple(f"t{i}" for i in range(tasks)), tuple(values))


def _average(tasks: int) -> Scopes:
    index = pd.DataFrame({"scope": ["average"], "name": ["average"], "tasks": [tasks]})
    return Scopes(index, np.full((1, tasks), 1 / tasks), [f"t{i}" for i in range(tasks)])


def test_halves_are_disjoint_whole_and_the_same_on_any_day() -> None:
    item_scores = _answers((2, 3, 11))
    dealt = item_scores.deal(0)
    assert [int((half == 0).sum()) for half in dealt] == [5, 5]
    both = [item_scores.part(dealt, half) for half in (0, 1)]
    for task in range(2):
        joined = np.concatenate([part.values[task] for part in both], axis=1)
        assert sorted(map(tuple, joined.T)) == sorted(map(tuple, item_scores.values[task].T))
    assert "".join(map(str, dealt[0])) == "".join(map(str, item_scores.deal(0)[0]))
    assert [list(a) for a in item_scores.deal(1)] != [list(a) for a in dealt]
    assert list(dealt[0]) != list(dealt[1])  # a task's deal does not depend on its place alone


def test_contrasts_are_taken_item_by_item() -> None:
    item_scores = _answers((1, 3, 20))
    found = item_scores.contrast(np.array([[1.0, -1.0, 0.0]]), ["d"])
    stderr, freedom = found.errors()
    witness = stats.ttest_rel(item_scores.values[0][0], item_scores.values[0][1])
    assert found.means()[0, 0] / stderr[0, 0] == pytest.approx(witness.statistic)
    assert freedom[0, 0] == witness.df
    np.testing.assert_allclose(item_scores.minus("m1").values[0][0], found.values[0][0])
    assert item_scores.only(["m2", "m0"]).names == ("m2", "m0")


def test_draws_over_items_have_the_error_of_the_mean() -> None:
    item_scores = _answers((3, 2, 80))
    drawn = resample_items(item_scores, _average(3), 4000, 1)
    stderr, _ = item_scores.errors()
    expected = np.sqrt(np.square(stderr).sum(axis=1)) / 3
    assert drawn.shape == (4000, 2, 1)
    assert drawn.mean(axis=0)[:, 0] == pytest.approx(item_scores.means().mean(axis=1), abs=0.003)
    assert drawn.std(axis=0)[:, 0] == pytest.approx(expected, rel=0.06)
    assert (drawn == resample_items(item_scores, _average(3), 4000, 1)).all()
    equal = ItemScores(("a", "b"), ("t",), (np.repeat(item_scores.values[0][:1], 2, axis=0),))
    same = resample_items(equal, _average(1), 50, 0)
    assert (same[:, 0] == same[:, 1]).all()  # equal answers stay equal in every sample


def test_draws_over_errors_and_over_tasks() -> None:
    means, stderr = np.array([[0.2, 0.6, 0.4, 0.9]]), np.full((1, 4), 0.02)
    drawn = sample_normal(means, stderr, _average(4), 4000, 0)
    assert drawn.std() == pytest.approx(0.01, rel=0.06)
    other = resample_tasks(means, _average(4), np.zeros(4, dtype=int), 8000, 0)
    assert other.std() == pytest.approx(means.std(ddof=1) / 2, rel=0.05)
    grouped = resample_tasks(means, _average(4), np.array([0, 0, 0, 1]), 100, 0)
    assert np.isnan(grouped).all()  # nothing is known of the spread of a single task


@settings(max_examples=60)
@given(st.lists(st.lists(st.floats(-1, 1), min_size=5, max_size=5), min_size=1, max_size=6))
def test_monotone_is_scipys_for_every_curve(curves: list[list[float]]) -> None:
    fit = monotone(np.array(curves))
    for row, curve in zip(fit, curves, strict=True):
        assert row == pytest.approx(isotonic_regression(curve).x, abs=1e-12)


def test_where_curves_pass_a_level() -> None:
    ranks, fits = np.array([0.0, 1.0, 2.0]), np.array([[0, 0.4, 0.4], [0.5, 0.5, 0.5], [0, 0.1, 0.2]])
    target = np.full(3, 0.3)
    assert list(reach(fits, target)) == [1, 0, 3]
    assert list(crossing(ranks, fits, target)) == [pytest.approx(0.75), -np.inf, np.inf]
    assert reach(np.array([0.3 - 1e-13]), np.asarray(0.3)) == 0


def test_a_gain_that_comes_at_once_arrives_there() -> None:
    ranks = np.arange(7.0)
    for place in (1, 3, 5):
        steps = (ranks >= place).astype(float)
        assert arrival(ranks, steps, np.asarray(1.0)) == pytest.approx(place - 0.5)
    logistic = 1 / (1 + np.exp(-3 * (ranks - 3)))
    assert arrival(ranks, logistic, np.asarray(1.0)) == pytest.approx(3, abs=0.01)


def test_items_that_belong_to_other_scores_are_refused(study: Inputs) -> None:
    scores = study.scores.copy()
    scores.loc[7, "score"] += 0.1
    with pytest.raises(
        FlexmoreError, match=r"items of public on .* average to .*, which is not their score \(1 such\)"
    ):
        Inputs(scores, study.items).item_scores()
    assert Inputs(scores).item_scores() is None
