"""Clusters of items: strata, halves, errors and bootstrap samples, against statsmodels and simulation."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from flexmore.analysis.statistics.blocks import BLOCKS, blocks_of, paired_halves
from flexmore.analysis.statistics.clusters import Clusters, strata_of
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.item_scores import ItemScores, item_scores_of
from flexmore.analysis.statistics.resampling import resample_items
from flexmore.analysis.statistics.scopes import Scopes, spread
from flexmore.errors import FlexmoreError

# fact 7 is asked in both tasks, fact 1 twice in the first
CLUSTERS = (np.array([1, 1, 7, 3]), np.array([7, 9, 8, 7, 4]))


def _scopes(weights: list[list[float]]) -> Scopes:
    index = pd.DataFrame({"scope": "group", "name": [f"s{i}" for i in range(len(weights))]})
    return Scopes(index, np.array(weights), [f"t{i}" for i in range(len(weights[0]))])


def _clustered(seed: int, facts: int = 60) -> ItemScores:
    """Two tasks that ask the same facts, one of them twice."""
    generator = np.random.default_rng(seed)
    known = generator.random((2, facts)) < 0.5
    fact = (np.arange(facts), np.repeat(np.arange(facts), 2))
    values = tuple((known[:, own] ^ (generator.random((2, len(own))) < 0.1)).astype(float) for own in fact)
    return ItemScores(("a", "b"), ("t0", "t1"), values, Clusters(fact))


def test_strata_are_the_clusters_of_the_same_tasks() -> None:
    strata = strata_of(CLUSTERS)
    assert sorted((stratum.tasks, stratum.count) for stratum in strata.each) == [((0,), 2), ((0, 1), 1), ((1,), 3)]
    assert strata.clustered == (True, True)
    spread_out = strata.spread([np.arange(stratum.count) for stratum in strata.each])
    assert spread_out[0][0] == spread_out[0][1]
    assert strata_of((np.arange(3), np.arange(3, 5))).clustered == (False, False)


def test_halves_and_blocks_keep_clusters_whole() -> None:
    item_scores = _clustered(0)
    assert item_scores.clusters is not None
    for salt in range(3):
        dealt = item_scores.deal(salt)
        half = dict(zip(item_scores.clusters.numbers[0], dealt[0], strict=True))
        assert [half[fact] for fact in item_scores.clusters.numbers[1]] == list(dealt[1])
        assert sum(half.values()) == 30
        part = item_scores.part(dealt, 0)
        assert part.clusters is not None
        assert set(part.clusters.numbers[0]) == set(part.clusters.numbers[1])
    blocks = blocks_of(item_scores)
    assert (blocks.counts[1] == 2 * blocks.counts[0]).all()  # of each fact one item here, two there
    assert blocks.means == pytest.approx(item_scores.means())
    assert blocks.residuals.sum(axis=2) == pytest.approx(np.zeros((2, 2)))


def test_a_task_of_two_items_has_one_in_each_half() -> None:
    item_scores = ItemScores(("a",), ("t0", "t1"), (np.array([[1.0, 0.0]]), np.array([[1.0, 0.0, 1.0]])))
    halves = paired_halves("items", 5, BLOCKS // 2)
    counts = blocks_of(item_scores).counts @ halves.T
    assert (counts[0] == 1).all()
    assert set(counts[1]) <= {1.0, 2.0}


def test_errors_of_one_task_are_those_of_a_clustered_regression() -> None:
    item_scores = _clustered(1)
    error, freedom = scope_errors(item_scores, _scopes([[0.0, 1.0]]))
    values, fact = item_scores.values[1][0], item_scores.clusters.numbers[1]  # type: ignore[union-attr]
    witness = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": fact, "use_correction": True, "df_correction": True}
    )
    n, count = len(values), 60
    assert error[0, 0] == pytest.approx(float(witness.bse[0]) * np.sqrt((n - 1) / (n - 1)), rel=1e-6)
    assert freedom[0, 0] == pytest.approx(count - 1)


def test_errors_without_clusters_are_those_of_independent_items() -> None:
    item_scores = _clustered(2)
    alone = ItemScores(item_scores.names, item_scores.tasks, item_scores.values)
    numbered = ItemScores(alone.names, alone.tasks, alone.values, Clusters((np.arange(60), np.arange(60, 180))))
    scopes = _scopes([[0.5, 0.5], [1.0, 0.0]])
    for one, other in zip(scope_errors(alone, scopes), scope_errors(numbered, scopes), strict=True):
        assert one == pytest.approx(other)
    assert scope_errors(alone, scopes)[0] == pytest.approx(spread(scopes, *alone.errors())[0])


def test_errors_and_samples_hold_over_tasks_that_ask_the_same() -> None:
    """The mean over both tasks varies as much as both say, and far more than independent items would."""
    scopes = _scopes([[0.5, 0.5]])
    means, errors, naive, bootstrapped = [], [], [], []
    for seed in range(300):
        item_scores = _clustered(seed)
        means.append((item_scores.means() @ scopes.weights.T)[0, 0])
        errors.append(scope_errors(item_scores, scopes)[0][0, 0])
        naive.append(spread(scopes, *item_scores.errors())[0][0, 0])
        if seed < 30:
            bootstrapped.append(resample_items(item_scores, scopes, 300, seed)[:, 0, 0].std())
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.1)
    assert np.mean(bootstrapped) == pytest.approx(np.std(means), rel=0.12)
    assert np.mean(naive) < 0.75 * np.std(means)


def test_the_table_of_clusters_is_read_by_task_and_checked() -> None:
    items = pd.DataFrame([("a", "t0", [1.0, 0.0, 1.0]), ("a", "t1", [1.0, 0.0])], columns=["mixture", "task", "items"])
    clusters = pd.DataFrame([("t0", ["x", "y", "x"])], columns=["task", "clusters"])
    found = item_scores_of(items, ["a"], ["t0", "t1"], "a", clusters)
    assert found.clusters is not None
    assert [list(own) for own in found.clusters.numbers] == [[0, 1, 0], [2, 3]]
    with pytest.raises(FlexmoreError, match="clusters of t0: 1, but 3 items"):
        item_scores_of(items, ["a"], ["t0"], "a", clusters.assign(clusters=[["x"]]))
