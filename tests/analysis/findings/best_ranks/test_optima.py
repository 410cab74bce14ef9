"""Optima: the correction of all calls together, and the reasons against one."""

import numpy as np
import pandas as pd
import pytest
from simulated import Design, same_for_all
from statsmodels.stats.multitest import multipletests

from flexmore.analysis.findings.best_ranks.optima import LARGEST, NO_GAIN, SMALLEST, corrected, find_optima
from flexmore.analysis.statistics.held_out_pairs import held_out_pairs
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(reasoning=["BBH"], knowledge=["MMLU"])
DESIGN = Design(("a", "b", "c", "d"), {"MMLU": 3, "BBH": 3}, items=200)


def _found(shares: list[float], height: float) -> pd.DataFrame:
    gain = same_for_all(DESIGN, dict.fromkeys(DESIGN.experts, np.array(shares)), height)
    scores, _, item_scores = DESIGN.draw(gain, np.random.default_rng(0))
    held = held_out_pairs(scores, item_scores, SETTINGS)
    return find_optima(held, SETTINGS).set_index(["expert", "scope", "name"])


def test_the_correction_is_the_graph_that_its_words_describe() -> None:
    generator = np.random.default_rng(0)
    rows = [(who, "skill", name) for who in (ALL, "a") for name in ("reasoning", "knowledge")]
    rows.insert(2, (ALL, "average", "average"))
    table = pd.DataFrame(rows, columns=["expert", "scope", "name"])
    for _ in range(40):
        p = generator.random(5) ** 4
        found, within = corrected(table.assign(p=p)), multipletests(p[2:], method="holm")[1]
        for level in generator.random(40):
            primary = p[:2] < 0.4 * level
            others = within < (0.2 + 0.4 * primary.sum()) * level
            assert ((found < level) == np.append(primary, others)).all()


def test_a_hump_is_called_at_its_place_and_no_other_curve_is() -> None:
    hump = _found([0.0, 0.3, 0.7, 1.0, 0.6, 0.2, 0.0, 0.0], 0.4)
    row = hump.loc[(ALL, "skill", "reasoning")]
    assert (row["rank"], row["rank_low"], row["rank_high"], row["optimum"], row["reason"]) == ("8", "8", "8", "yes", "")
    assert row["rise"] == pytest.approx(0.4, abs=0.05)
    assert row["fall"] == pytest.approx(0.4, abs=0.05)
    assert 0 < row["gain_low"] < row["gain"]
    assert (hump.loc[[("a", "skill", "reasoning"), (ALL, "average", "average")], "optimum"] == "yes").all()
    rising = _found([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.0], 0.5)
    assert set(rising["optimum"]) == {"no"}
    assert rising.loc[(ALL, "average", "average"), "reason"] == LARGEST
    falling = _found([1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0.0, 0.0], 0.5)
    assert set(falling["optimum"]) == {"no"}
    assert falling.loc[(ALL, "average", "average"), "reason"] == SMALLEST


def test_a_peak_below_public_is_no_optimum() -> None:
    found = _found([-0.2, -0.1, -0.05, 0.0, -0.05, -0.1, -0.2, -0.2], 1.0)
    row = found.loc[(ALL, "average", "average")]
    assert (row["rank"], row["optimum"], row["reason"]) == ("8", "no", NO_GAIN)
    assert set(found["optimum"]) == {"no"}
