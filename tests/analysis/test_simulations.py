"""Simulations with a known truth: do the statistics hold what they promise?

Each simulates a few dozen studies in the normal suite, which would show a gross mistake; 500 with the marker `full`.
"""

import numpy as np
import pandas as pd
import pytest
from simulated import RANKS, Design, logistic, same_for_all
from statsmodels.regression.linear_model import OLS

from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.findings.regression import _fit, design_of
from flexmore.analysis.findings.skills import compare_skills
from flexmore.analysis.selection.heldout import cross_fit
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.pair_bootstrap import bootstrap_gains
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=300, reasoning=["BBH"], knowledge=["MMLU"])
SIX = ("a", "b", "c", "d", "e", "f")
STUDIES = pytest.mark.parametrize("studies", [40, pytest.param(500, marks=pytest.mark.full)])


def _slack(studies: int, rate: float) -> float:
    """Three standard errors of a rate that is observed in so many studies."""
    return 3 * float(np.sqrt(rate * (1 - rate) / studies))


def _ladder(label: str) -> int:
    return RANKS.index(int(label)) if label != "full" else len(RANKS)


@STUDIES
@pytest.mark.parametrize(("midpoint", "gain"), [(4, 0.5), (10, 0.2)])
def test_r95s_interval_over_items_covers(studies: int, midpoint: float, gain: float) -> None:
    design = Design(("a",), {"MMLU": 4, "BBH": 4})
    shares = logistic(midpoint)
    truth = int(np.argmax(shares >= 0.95))
    generator, inside, far = np.random.default_rng(1), [], []
    for _ in range(studies):
        scores, items, _ = design.draw(same_for_all(design, {"a": shares}, gain), generator)
        found = recover(gains(scores, items), SETTINGS, bootstrap_gains(scores, items, SETTINGS))
        row = found[found["scope"] == "average"].iloc[0]
        assert row["r95_reason"] == ""
        low, high = _ladder(row["r95_low"]), _ladder(row["r95_high"])
        inside.append(low <= truth <= high)
        far.append(low <= truth - 3 <= high)
    assert np.mean(inside) >= 0.95 - _slack(studies, 0.05)
    assert np.mean(far) < 0.5  # it is not just wide


@STUDIES
def test_r95s_interval_over_tasks_covers_the_tasks_not_drawn(studies: int) -> None:
    """Tasks differ in the rank they need; the truth is r95 of the mean over all tasks there could be."""
    design = Design(("a",), {"MMLU": 12, "BBH": 12}, items=200)
    generator = np.random.default_rng(2)

    def shares(count: int) -> np.ndarray:
        midpoints = 2 ** np.clip(generator.normal(2.0, 1.3, count), -1, 6)
        return np.stack([logistic(m, steepness=3) for m in midpoints])

    truth = int(np.argmax(shares(20_000).mean(axis=0) >= 0.95))
    over_tasks, over_items, narrower = [], [], []
    for _ in range(studies):
        scores, items, _ = design.draw(0.5 * shares(len(design.tasks))[:, None, :], generator)
        found = recover(gains(scores, items), SETTINGS, bootstrap_gains(scores, items, SETTINGS))
        row = found[found["scope"] == "average"].iloc[0]
        over_tasks.append(_ladder(row["r95_tasks_low"]) <= truth <= _ladder(row["r95_tasks_high"]))
        over_items.append(_ladder(row["r95_low"]) <= truth <= _ladder(row["r95_high"]))
        ends = [_ladder(row[end]) for end in ("r95_low", "r95_high", "r95_tasks_low", "r95_tasks_high")]
        narrower.append(ends[3] - ends[2] - (ends[1] - ends[0]))
    assert np.mean(over_tasks) >= 0.95 - _slack(studies, 0.05)
    # that over items is about these tasks alone, so it is narrower and does not cover the others so often
    assert np.mean(narrower) > 3 * np.std(narrower, ddof=1) / np.sqrt(studies)
    assert np.mean(over_items) <= np.mean(over_tasks)


@STUDIES
@pytest.mark.parametrize(("doublings", "weak"), [(0.0, 0.5), (0.0, 0.15), (1.5, 0.5)])
def test_reasoning_against_knowledge(studies: int, doublings: float, weak: float) -> None:
    """Under no effect the test keeps its level, also where one side gains far less than the other; a planted one it
    finds."""
    design = Design(SIX, {"MMLU": 4, "BBH": 4})
    midpoints = np.array([2, 3, 4, 4, 6, 8])
    knowledge = np.stack([logistic(m) for m in midpoints])
    reasoning = np.stack([logistic(m * 2**doublings) for m in midpoints])
    gain = np.stack([weak * knowledge] * 4 + [0.5 * reasoning] * 4)
    generator, found, means = np.random.default_rng(4), [], []
    for _ in range(min(studies, 100) if doublings else studies):
        scores, items, _ = design.draw(gain, generator)
        gained = gains(scores, items, 0.95, SETTINGS.skills)
        table = compare_skills(gained, bootstrap_gains(scores, items, SETTINGS), SETTINGS)
        row = table[(table["expert"] == ALL) & (table["measure"] == "arrival")].iloc[0]
        found.append(row["p"] < 0.05)
        means.append(row["difference"])
    if doublings:
        assert np.mean(found) > 0.9
        assert np.mean(means) == pytest.approx(doublings, abs=0.4)
    else:
        assert np.mean(found) <= 0.05 + _slack(studies, 0.05)
        assert np.mean(means) == pytest.approx(0, abs=0.15)


@STUDIES
def test_held_out_gains_are_unbiased_where_naive_ones_are_not(studies: int) -> None:
    """Fourteen equal conditions in the study that is imitated; here seven ranks that are all as good as full."""
    design = Design(("a", "b", "c"), {"MMLU": 2, "BBH": 2}, items=50, luck=0.8)
    flat = dict.fromkeys(design.experts, np.ones(8))
    generator, naive, held, optimism = np.random.default_rng(5), [], [], []
    for _ in range(studies):
        scores, _, item_scores = design.draw(same_for_all(design, flat, 0.3), generator)
        table = cross_fit(scores, item_scores, None, SETTINGS, rules=["best"], salts=range(3))
        row = table[(table["rule"] == "best") & (table["expert"] == ALL)].iloc[0]
        naive.append(row["naive"] - 0.3)
        held.append(row["held_out"] - 0.3)
        optimism.append(row["optimism"])
    error = np.std(held, ddof=1) / np.sqrt(studies)
    assert abs(np.mean(held)) < 3 * error
    assert np.mean(naive) > 3 * np.std(naive, ddof=1) / np.sqrt(studies)
    assert np.mean(optimism) > 0.01


@pytest.mark.parametrize("studies", [300, pytest.param(2000, marks=pytest.mark.full)])
def test_p_values_with_six_clusters(studies: int) -> None:
    """Experts differ in their slope, with a mean of zero: clustered errors with no correction for few clusters reject
    more than twice too often; ours do not."""
    generator = np.random.default_rng(6)
    rows = pd.DataFrame(
        [(expert, float(x), "g") for expert in SIX for x in range(7)], columns=["expert", "log2_rank", "group"]
    )
    design, clusters = design_of(rows).to_numpy(), np.repeat(range(6), 7)
    rejected = []
    for _ in range(studies):
        levels, slopes, bends = (np.repeat(generator.normal(0, sd, 6), 7) for sd in (0.1, 0.02, 0.004))
        values = levels + slopes * rows["log2_rank"] + bends * rows["log2_rank"] ** 2
        values += generator.normal(0, 0.01, len(rows))
        found, _ = _fit(rows.assign(value=values), 0.95, 0)
        term, _, _, _, p, _, _, p_wild = found[-1]
        assert term == "log2_rank^2"
        plain = OLS(values.to_numpy(), design).fit(
            cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
        )
        rejected.append([plain.pvalues[-1] < 0.05, p < 0.05, p_wild < 0.05])
    uncorrected, clustered, wild = np.mean(rejected, axis=0)
    assert uncorrected > 0.08
    assert clustered <= 0.05 + _slack(studies, 0.05)
    assert wild <= 0.05 + _slack(studies, 0.05)
