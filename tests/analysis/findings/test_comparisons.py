"""Two mixtures against each other: scipy's paired tests, McNemar, Holm; and what held-out items say of a choice."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import curve_fit
from simulated import Design, logistic, same_for_all

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
from flexmore.analysis.findings.noise import noise_floor
from flexmore.analysis.findings.shapes import NO_ITEMS, isotonic, judge_optima, quadratic, saturating
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.heldout import ALL, cross_fit
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import scopes_of
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

SETTINGS = AnalysisSettings(draws=400)


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


def test_what_is_held_out_by_hand() -> None:
    """Two ranks, each right on the items that the other misses: whichever half chooses, the other half punishes."""
    design = Design(("a",), {"MMLU": 1, "BBH": 1}, items=40)
    shares = {"a": logistic(4)}
    scores, _, item_scores = design.draw(same_for_all(design, shares, 0.4), np.random.default_rng(0))
    table = cross_fit(scores, item_scores, None, SETTINGS, rules=["best"], salts=[0]).set_index("expert")
    dealt = item_scores.deal(0)
    gained = item_scores.minus("public")
    held = []
    for half in (0, 1):
        chooser = item_scores.part(dealt, 1 - half).means().mean(axis=1)[1:8]
        judge = gained.part(dealt, half)
        held.append(judge.means()[1 + int(np.argmax(np.round(chooser, 12)))].mean())
    assert table.loc["a", "held_out"] == pytest.approx(np.mean(held))
    assert table.loc["a", "optimism"] == pytest.approx(table.loc["a", "naive"] - np.mean(held))
    assert table.loc[ALL, "held_out"] == pytest.approx(np.mean(held))


def test_ranks_chosen_on_other_groups(study: Inputs) -> None:
    table = cross_fit(study.scores, study.item_scores(), study.spectra, SETTINGS)
    rows = table[(table["rule"] == "stable") & (table["expert"] != ALL)]
    # singular values know nothing of groups: nothing is lost
    assert rows["transfer_loss"].to_numpy() == pytest.approx(0)
    assert rows["optimism"].to_numpy() == pytest.approx(0)
    math = table[(table["rule"] == "best") & (table["expert"] == "math")].iloc[0]
    times = [int(part.split("(")[1].rstrip(")")) for part in math["held_out_ranks"].split(", ")]
    assert sum(times) == 20  # ten ways of dealing the items, both halves choosing
    assert cross_fit(study.scores, None, None, SETTINGS).empty


def test_three_shapes_against_other_fitters() -> None:
    x = np.arange(7.0)
    y = np.array([0.02, 0.05, 0.2, 0.31, 0.36, 0.39, 0.38])
    assert quadratic(x, y) == pytest.approx(np.polyval(np.polyfit(x, y, 2), x))
    assert isotonic(x, y)[-2:] == pytest.approx([0.385, 0.385])

    def curve(x: np.ndarray, level: float, height: float, steep: float, middle: float) -> np.ndarray:
        return level + height / (1 + np.exp(-steep * (x - middle)))

    free = curve(x, *curve_fit(curve, x, y, p0=(0, 0.4, 1.5, 2))[0])
    grid = saturating(x, y)
    assert np.square(grid - y).sum() <= 1.5 * np.square(free - y).sum() + 1e-4
    falling = saturating(x, -y)
    assert falling == pytest.approx(np.full(7, -y.mean()))  # it never falls


def test_without_items_no_vertex_is_judged(study: Inputs) -> None:
    tables = analyze(Inputs(study.scores), SETTINGS, {})
    assert set(tables["shapes"]["reason"]) == {NO_ITEMS}
    assert set(judge_optima(study.scores, None, tables["regression_fits"], SETTINGS)["optimum"]) == {"no"}


def test_the_noise_floor_is_what_full_and_saturated_differ_in(study: Inputs) -> None:
    item_scores = study.item_scores()
    scopes = scopes_of(study.scores)
    table = noise_floor(study.scores, item_scores, scopes, SETTINGS)
    assert set(table["rank"]) == {"64"}
    assert (table[["difference", "differ"]] == 0).all(axis=None)
    assert table[table["scope"] == "average"]["items"].tolist() == [1100] * 3
    assert item_scores is not None
    rounded = item_scores.values[0].copy()
    rounded[item_scores.names.index("math-full"), 0] = 1 - rounded[item_scores.names.index("math-full"), 0]
    other = ItemScores(item_scores.names, item_scores.tasks, (rounded, *item_scores.values[1:]))
    found = noise_floor(study.scores, other, scopes, SETTINGS).set_index(["expert", "name"])
    assert found.loc[("math", "average"), "differ"] == 1
    assert abs(found.loc[("math", "MC9"), "difference"]) == pytest.approx(1 / 50 / 4)
    below = study.scores[~study.scores["rank"].isin(["128", "256"])]
    assert noise_floor(below, item_scores, scopes, SETTINGS).empty  # nothing says that 64 saturates
