"""The joint mixtures, the frontier, and the best ranks."""

import pytest

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=200)


def test_the_joint_table_and_the_frontier(study: Inputs) -> None:
    tables = analyze(study, SETTINGS, {})
    full = tables["joint"].query("rank == 'full'")
    assert full[["retained math", "retained news", "retained pes2o"]].to_numpy() == pytest.approx(0.8, abs=0.04)
    parameters = tables["parameters"]
    for _, row in parameters.iterrows():
        rivals = parameters[parameters["parameters"] <= row["parameters"]]["average"].max()
        assert not row["frontier"] or row["average"] == rivals
    assert parameters["frontier"].any()


def test_best_ranks_stand_beside_r95(study: Inputs) -> None:
    best = analyze(study, SETTINGS, {})["best_ranks"].set_index(["expert", "scope", "name"])
    row = best.loc[("math", "domain", "math")]
    # the curve is flat to rounding from 16 on: the smallest of the best
    assert (row["best_rank"], row["best_gain"]) == ("16", pytest.approx(0.6))
    assert (row["full_gain"], row["r95"]) == (pytest.approx(0.6), "8")
    assert int(row["rank_low"]) <= 16 <= int(row["rank_high"])
