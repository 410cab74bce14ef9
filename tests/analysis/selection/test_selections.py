"""The selections of every rule, and what cannot be selected."""

import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.evidence import evidence_from_table
from flexmore.analysis.selection.rules import RULES
from flexmore.analysis.selection.selections import select, selections
from flexmore.analysis.statistics.scopes import scopes_of
from flexmore.errors import FlexmoreError


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


def test_what_cannot_be_selected_is_said(study: Inputs) -> None:
    with pytest.raises(FlexmoreError, match="selection 'bets': no such rule; expected one of best, best2, r95"):
        select("bets", study.scores, study.items)
    with pytest.raises(FlexmoreError, match="evaluate pairs first"):
        select("best", study.scores[study.scores["kind"] == "baseline"], None)
