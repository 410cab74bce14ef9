"""Comparisons of two mixtures against scipy's and statsmodels' tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings.comparisons import (
    LOWER,
    UNCLEAR,
    as_text,
    compare,
    compare_joint,
    compare_two,
    indistinct,
)
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import scopes_of
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

SETTINGS = AnalysisSettings(bootstrap_samples=400)


def _one_task(*rows: list[int]) -> tuple[ItemScores, object]:
    item_scores = ItemScores(tuple("abc"[: len(rows)]), ("t",), (np.array(rows, dtype=float),))
    scores = pd.DataFrame({"task": ["t"], "group": ["g"], "domain": [""]})
    return item_scores, scopes_of(scores)


def test_one_task_is_the_paired_t_test_and_mcnemars() -> None:
    generator = np.random.default_rng(0)
    one, two = generator.integers(0, 2, 60), (generator.random(60) < 0.7).astype(int)
    item_scores, scopes = _one_task(list(one), list(two))
    row = compare(item_scores, scopes, [("a", "b")], SETTINGS).iloc[0]
    witness = stats.ttest_rel(one, two)
    assert row["difference"] == pytest.approx(np.mean(one - two))
    assert row["p"] == pytest.approx(witness.pvalue)
    only = int(((one == 1) & (two == 0)).sum()), int(((one == 0) & (two == 1)).sum())
    assert (row["only_first"], row["only_other"]) == only
    assert row["p_mcnemar"] == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    low, high = witness.confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.03)
    error = abs(row["difference"] / witness.statistic)
    assert row["detectable"] == pytest.approx((1.959964 + 0.841621) * error)


def test_equal_answers_cannot_be_told_apart() -> None:
    item_scores, scopes = _one_task([0, 1, 1, 0], [0, 1, 1, 0])
    row = compare(item_scores, scopes, [("a", "b")], SETTINGS).iloc[0]
    assert (row["difference"], row["p"], row["p_mcnemar"], row["verdict"]) == (0, 1, 1, UNCLEAR)


def test_values_that_are_no_yes_or_no_have_no_mcnemar() -> None:
    item_scores = ItemScores(("a", "b"), ("t",), (np.array([[0.5, 0.2, 0.9], [0.1, 0.2, 0.8]]),))
    scopes = scopes_of(pd.DataFrame({"task": ["t"], "group": ["g"], "domain": [""]}))
    row = compare(item_scores, scopes, [("a", "b")], SETTINGS).iloc[0]
    assert np.isnan(row["p_mcnemar"])
    assert "McNemar" not in as_text(row.to_dict())


def test_holms_correction_is_over_all_pairs() -> None:
    generator = np.random.default_rng(3)
    item_scores, scopes = _one_task(*(list((generator.random(200) < p).astype(int)) for p in (0.5, 0.6, 0.9)))
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    table = compare(item_scores, scopes, pairs, SETTINGS)
    order = np.argsort(table["p"].to_numpy())
    by_hand = np.maximum.accumulate(table["p"].to_numpy()[order] * np.array([3, 2, 1]))
    assert table["p_holm"].to_numpy()[order] == pytest.approx(np.minimum(by_hand, 1))
    assert list(table["verdict"])[1:] == [LOWER, LOWER]


def test_best_is_said_only_where_all_others_are_lower(study: Inputs) -> None:
    item_scores = study.item_scores()
    table = compare_joint(study.scores, item_scores, scopes_of(study.scores), SETTINGS)
    # 1 2 4 8 16 32 64, full, best, best2: saturated ranks once
    assert table.groupby("active").size().to_dict() == {2: 45, 4: 45}
    averages = analyze(study, SETTINGS, {})["joint"].set_index("mixture")["average"]
    tied = indistinct(table[table["active"] == 2], averages)
    assert {"joint-a2-r64", "joint-a2-full"} <= set(tied)
    assert "joint-a2-r1" not in tied
    sure = table.assign(verdict=np.where(table["mixture"] == "joint-a2-r64", "higher", LOWER))
    assert indistinct(sure[sure["active"] == 2], averages) == [averages.filter(like="a2").idxmax()]
    assert compare_joint(study.scores, None, scopes_of(study.scores), SETTINGS).empty


def test_any_two_mixtures_can_be_compared(study: Inputs) -> None:
    row = compare_two(study, "math-r1", "joint-a2-full", SETTINGS)
    assert row["verdict"] == LOWER
    assert "verdict: lower" in as_text(row)
    with pytest.raises(FlexmoreError, match="no mixture 'math-r5' in the table"):
        compare_two(study, "math-r5", "public", SETTINGS)
    with pytest.raises(FlexmoreError, match="per-item results"):
        compare_two(Inputs(study.scores), "math-r1", "public", SETTINGS)
