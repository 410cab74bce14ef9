"""Ranks chosen on some items and judged on others, computed by hand."""

import numpy as np
import pytest
from simulated import Design, logistic, same_for_all

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.heldout import cross_fit
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=400)


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
