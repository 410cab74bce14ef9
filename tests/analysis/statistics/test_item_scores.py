"""Item scores: halves, contrasts and errors."""

import numpy as np
import pytest
from scipy import stats
from simulated import random_item_scores


def test_halves_are_disjoint_whole_and_the_same_on_any_day() -> None:
    item_scores = random_item_scores((2, 3, 11))
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
    item_scores = random_item_scores((1, 3, 20))
    found = item_scores.contrast(np.array([[1.0, -1.0, 0.0]]), ["d"])
    stderr, freedom = found.errors()
    witness = stats.ttest_rel(item_scores.values[0][0], item_scores.values[0][1])
    assert found.means()[0, 0] / stderr[0, 0] == pytest.approx(witness.statistic)
    assert freedom[0, 0] == witness.df
    np.testing.assert_allclose(item_scores.minus("m1").values[0][0], found.values[0][0])
    assert item_scores.only(["m2", "m0"]).names == ("m2", "m0")
