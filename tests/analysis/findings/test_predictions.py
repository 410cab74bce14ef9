"""Predictions are judged both ways, from tables alone."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from made_tables import Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings.predictions import judge
from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.gains import gains
from flexmore.config.analysis import AnalysisSettings

FACTS = {"math": 200, "news": 400, "pes2o": 800}
GOOD = Made(midpoints={"math": 2.8, "news": 5.6, "pes2o": 11.3}, control_gain=0.0)
WORDS = {
    "gains": "full gains at least 20 points",
    "partial": "ladder ranks recover",
    "retained": "joint",
    "rises": "number of facts",
    "control": "random delta",
    "foreign": "foreign tasks",
}
SETTINGS = AnalysisSettings(bootstrap_samples=200)


def _judged(inputs: Inputs, facts: dict[str, int]) -> pd.DataFrame:
    gained, controls = gains(inputs.scores, inputs.items), None
    if inputs.controls is not None and len(inputs.controls):
        baseline = inputs.scores[inputs.scores["kind"] == "baseline"]
        controls = gains(pd.concat([baseline, inputs.controls]), inputs.items)
    return judge(inputs.scores, gained, controls, recover(gained), facts)


def _verdicts(inputs: Inputs, facts: dict[str, int], about: str) -> set[str]:
    table = _judged(inputs, facts)
    rows = table[table["prediction"].str.contains(WORDS[about])]
    assert len(rows)
    return set(rows["holds"])


def test_all_hold_where_they_were_planted(study_of: Any) -> None:
    inputs = study_of(GOOD)
    for about in WORDS:
        assert _verdicts(inputs, FACTS, about) == {"yes"}, about


@pytest.mark.parametrize(
    ("about", "change"),
    [
        ("gains", {"gain": 0.15}),
        ("partial", {"midpoints": {"math": 0.05, "news": 0.05, "pes2o": 0.05}}),
        ("retained", {"joint_share": 0.5}),
        ("control", {"control_gain": 0.2}),
        ("foreign", {"foreign": 0.0}),
    ],
)
def test_each_fails_where_its_opposite_was_planted(study_of: Any, about: str, change: dict[str, Any]) -> None:
    assert _verdicts(study_of(replace(GOOD, **change)), FACTS, about) == {"no"}


def test_facts_in_the_wrong_order(study_of: Any) -> None:
    inputs = study_of(GOOD)
    assert _verdicts(inputs, {"math": 800, "news": 400, "pes2o": 200}, "rises") == {"no"}
    assert _verdicts(inputs, {"math": 800}, "rises") == {"not measured"}


def test_what_was_not_measured_is_not_judged(study_of: Any) -> None:
    bare = Made(domains=False, controls=False, active=(), full=False, extras=())
    table = _judged(study_of(bare), FACTS)
    assert set(table[table["number"] < 8]["holds"]) == {"not measured"}


def test_a_fall_on_the_own_tasks_is_not_foreign(study_of: Any) -> None:
    """Where full falls on its own domain alone, nothing foreign has fallen."""
    table = _judged(study_of(replace(GOOD, gain=-0.15, foreign=0.0)), FACTS)
    row = table[table["prediction"].str.contains("foreign")].iloc[0]
    assert row["measured"].startswith("0 of 18 cells; lowest")
    assert row["holds"] == "no"


def test_nothing_is_predicted_of_another_family(study: Inputs) -> None:
    assert analyze(study, SETTINGS, {})["predictions"].empty
