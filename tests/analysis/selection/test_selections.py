"""best and best2: ladder ranks only, ties to the smallest, one standard error of the average."""

import numpy as np
import pandas as pd
import pytest

from flexmore.analysis.findings.recovery import recover
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.evidence import Evidence, evidence_from_table
from flexmore.analysis.selection.rules import RULES, best, best2
from flexmore.analysis.selection.selections import select, selections
from flexmore.analysis.statistics.gains import gains
from flexmore.analysis.statistics.scopes import averages, scopes_of
from flexmore.errors import FlexmoreError


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


def test_saturated_ranks_full_and_extras_are_no_candidates(study: Inputs) -> None:
    scores = study.scores.copy()
    # full, the extras and the saturated ranks are made the best by far
    lure = scores["kind"].eq("extra") | scores["rank"].isin(["full", "64", "128", "256"])
    scores.loc[lure, "score"] = 1.0
    found = evidence_from_table(scores, study.items).candidates
    assert set(found["rank"]) == {1, 2, 4, 8, 16, 32, 64}
    assert select("best", scores, study.items) == dict.fromkeys(("math", "news", "pes2o"), 64)


def test_the_average_and_its_error_are_the_mixtures(study: Inputs) -> None:
    assert study.items is not None
    found = evidence_from_table(study.scores, study.items).candidates.set_index(["expert", "rank"]).loc[("news", 8)]
    assert found["average"] == pytest.approx(averages(study.scores).set_index("mixture").loc["news-r8", "average"])
    rows = study.scores[study.scores["mixture"] == "news-r8"].merge(study.items)
    errors = rows["items"].map(lambda row: np.var(row, ddof=1) / len(row))
    groups = errors.groupby(rows["group"]).agg(lambda part: part.sum() / len(part) ** 2)
    assert found["stderr"] == pytest.approx(np.sqrt(groups.sum()) / 6)


def test_without_items_the_scores_errors_serve(study: Inputs) -> None:
    with_items, without = evidence_from_table(study.scores, study.items), evidence_from_table(study.scores, None)
    pd.testing.assert_frame_equal(with_items.candidates, without.candidates)
    # unpaired, so wider
    assert (without.whole["low"] <= with_items.whole["low"]).all()


def test_every_rule_is_listed_with_its_choice(study: Inputs) -> None:
    evidence, item_scores = evidence_from_table(study.scores, study.items, study.spectra), study.item_scores()
    table = selections(evidence, item_scores, scopes_of(study.scores))
    for rule in RULES:
        own = table[table["rule"] == rule]
        ranks = {expert: int(rank) for expert, rank in zip(own["expert"], own["rank"], strict=True)}
        assert ranks == select(rule, study.scores, study.items, study.spectra)
        assert (own["behind"] <= 0).all()
        assert ((own["behind_low"] <= own["behind"]) & (own["behind"] <= own["behind_high"])).all()
    assert (table.loc[table["rule"] == "best", ["behind", "saved"]] == 0).all(axis=None)
    assert selections(None, item_scores, scopes_of(study.scores)).empty


def test_a_rule_without_its_evidence_says_so(study: Inputs) -> None:
    table = selections(evidence_from_table(study.scores, study.items), None, scopes_of(study.scores))
    notes = table[table["note"] != ""].set_index("rule")["note"]
    assert set(notes.index) == {rule for rule, entry in RULES.items() if entry.reads == "spectra"}
    assert notes.str.contains("there are none; factorize first").all()
    without_full = study.scores[study.scores["rank"] != "full"]
    with pytest.raises(FlexmoreError, match="'r95' needs full's gain, and the table has no full math"):
        select("r95", without_full, study.items)


def test_r95_as_a_rule_is_r95_of_the_ladder(study: Inputs) -> None:
    """Without extras both read the same curve; where full gains nothing the smallest rank is enough."""
    scores = study.scores[study.scores["kind"] != "extra"]
    table = recover(gains(scores, study.items))
    expected = table[table["scope"] == "average"].set_index("expert")["r95"]
    chosen = select("r95", scores, study.items)
    for expert, rank in chosen.items():
        assert str(rank) == (expected[expert] or "1")


def test_what_cannot_be_selected_is_said(study: Inputs) -> None:
    with pytest.raises(FlexmoreError, match="selection 'bets': no such rule; expected one of best, best2, r95"):
        select("bets", study.scores, study.items)
    with pytest.raises(FlexmoreError, match="evaluate pairs first"):
        select("best", study.scores[study.scores["kind"] == "baseline"], None)
