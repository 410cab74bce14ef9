"""The rules that read scores: ladder ranks only, ties to the smallest, one standard error of the average."""

import pandas as pd

from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.evidence import Evidence
from flexmore.analysis.selection.rules import best, best2
from flexmore.analysis.selection.selections import select
from flexmore.analysis.statistics.gains import gains


def _candidates(averages: dict[int, float], stderr: float = 0.01) -> Evidence:
    ranks = list(averages)
    table = pd.DataFrame(
        {"expert": "a", "rank": ranks, "effective_rank": ranks, "average": averages.values(), "stderr": stderr}
    )
    return Evidence(table, pd.DataFrame(columns=["expert", "gain", "low"]))


def test_ties_go_to_the_smallest_rank() -> None:
    assert best(_candidates({1: 0.3, 2: 0.5, 4: 0.5, 8: 0.4})) == {"a": 2}
    assert best(_candidates({8: 0.5, 2: 0.5, 4: 0.5})) == {"a": 2}


def test_best2_is_within_one_standard_error() -> None:
    curve = {1: 0.3, 2: 0.489, 4: 0.491, 8: 0.5, 16: 0.49}
    assert best2(_candidates(curve)) == {"a": 4}
    assert best2(_candidates(curve, stderr=0.011)) == {"a": 2}
    assert best2(_candidates(curve, stderr=0.0)) == {"a": 8}
    assert best2(_candidates(curve, stderr=float("nan"))) == {"a": 8}


def test_r95_as_a_rule_is_r95_of_the_ladder(study: Inputs) -> None:
    """Without extras both read the same curve; where full gains nothing the smallest rank is enough."""
    scores = study.scores[study.scores["kind"] != "extra"]
    table = recover(gains(scores, study.items))
    expected = table[table["scope"] == "average"].set_index("expert")["r95"]
    chosen = select("r95", scores, study.items)
    for expert, rank in chosen.items():
        assert str(rank) == (expected[expert] or "1")
