"""Folds of items and tasks: what chooses never judges, and errors are those of resampling."""

import numpy as np
import pandas as pd
import pytest
from simulated import random_item_scores

from flexmore.analysis.statistics.cross_fit import Difference, Estimate, estimate, estimate_mean, over_items, over_tasks
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Scopes


def _scopes(tasks: int) -> Scopes:
    index = pd.DataFrame({"scope": ["average"], "name": ["average"]})
    return Scopes(index, np.full((1, tasks), 1 / tasks), [f"t{i}" for i in range(tasks)])


def _always(plus: int, minus: int, folds: int) -> Difference:
    return Difference(np.full(folds, plus), np.full(folds, minus), np.ones(folds))


def test_both_sides_of_a_fold_make_up_all_items() -> None:
    item_scores = random_item_scores((3, 4, 80))
    found = over_items(item_scores, _scopes(3))
    assert (found.train + found.test) / 2 == pytest.approx(np.broadcast_to(found.whole[:, None], found.train.shape))
    tasks = over_tasks(random_item_scores((8, 4, 10)), _scopes(8), ["g"] * 4 + ["h"] * 4)
    assert (tasks.train + tasks.test) / 2 == pytest.approx(np.broadcast_to(tasks.whole[:, None], tasks.train.shape))
    assert (tasks.held[:10] == ~tasks.held[10:]).all()
    assert (tasks.held[:, :4].sum(axis=1) == 2).all()


def test_a_fixed_difference_is_the_paired_test_over_items() -> None:
    item_scores = random_item_scores((2, 3, 4000))
    found = over_items(item_scores, _scopes(2))
    got = estimate(found, 0, _always(1, 2, found.folds))
    difference = item_scores.contrast(np.array([[0.0, 1.0, -1.0]]), ["d"])
    assert got.value == pytest.approx(float(difference.means().mean()), abs=1e-3)
    assert got.error == pytest.approx(scope_errors(difference, _scopes(2))[0][0, 0], rel=0.35)  # 39 blocks
    assert got.p == pytest.approx(1 - estimate(found, 0, _always(2, 1, found.folds)).p)
    wobbly = estimate(found, 0, _always(1, 2, found.folds), wobble=0.1)
    assert wobbly.error == pytest.approx(np.hypot(got.error, 0.1 * np.sqrt(2)))
    over_public = estimate(found, 0, _always(1, 0, found.folds), wobble=0.1)
    plain = estimate(found, 0, _always(1, 0, found.folds))
    assert over_public.error == pytest.approx(np.hypot(plain.error, 0.1))  # public is no adapter


def test_errors_over_items_are_those_of_repeated_draws() -> None:
    values, errors = [], []
    for seed in range(200):
        found = over_items(random_item_scores((2, 2, 120), seed), _scopes(2))
        got = estimate(found, 0, _always(0, 1, found.folds))
        values.append(got.value)
        errors.append(got.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_a_mean_over_experts_holds_what_they_share() -> None:
    """Experts that are compared with the same public model share its luck; their spread alone does not show it."""
    values, errors, between = [], [], []
    for seed in range(200):
        item_scores = random_item_scores((1, 5, 100), seed)
        found = over_items(item_scores, _scopes(1))
        each = [_always(row, 0, found.folds) for row in range(1, 5)]
        got = estimate_mean(found, 0, each)
        values.append(got.value)
        errors.append(got.error)
        between.append(np.std([np.mean(one.values(found.test[0])) for one in each], ddof=1) / 2)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)
    assert np.mean(between) < 0.6 * np.std(values)
    alone = estimate_mean(found, 0, [_always(1, 0, found.folds)])
    assert np.isnan(alone.error)
    assert alone.p == 1.0


def test_tasks_of_a_group_of_one_are_not_known() -> None:
    found = over_tasks(random_item_scores((3, 2, 10)), _scopes(3), ["g", "g", "h"])
    assert np.isnan(found.test).any()
    got = estimate(found, 0, _always(0, 1, found.folds))
    assert np.isnan(got.value)
    assert got.p == 1.0


def test_no_error_is_no_doubt() -> None:
    assert (Estimate(0.1, 0.0, 5).p, Estimate(0.0, 0.0, 5).p) == (0.0, 1.0)
    same = ItemScores(("a", "b"), ("t",), (np.ones((2, 50)),))
    got = estimate(over_items(same, _scopes(1)), 0, _always(0, 1, 20))
    assert (got.value, got.error, got.p) == (0.0, 0.0, 1.0)
