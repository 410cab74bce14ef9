"""best and best2: ladder ranks only, ties to the smallest, one standard error of the average."""

import numpy as np
import pandas as pd
import pytest

from flexmore.analysis.rules import RULES, best, best2
from flexmore.analysis.scopes import averages
from flexmore.analysis.selections import candidates, select, selections
from flexmore.analysis.study import Inputs
from flexmore.errors import FlexmoreError


def _candidates(averages: dict[int, float], stderr: float = 0.01) -> pd.DataFrame:
    ranks = list(averages)
    return pd.DataFrame(
        {"expert": "a", "rank": ranks, "effective_rank": ranks, "average": averages.values(), "stderr": stderr}
    )


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
    found = candidates(scores, study.items)
    assert set(found["rank"]) == {1, 2, 4, 8, 16, 32, 64}
    assert select("best", scores, study.items) == dict.fromkeys(("math", "news", "pes2o"), 64)


def test_the_average_and_its_error_are_the_mixtures(study: Inputs) -> None:
    assert study.items is not None
    found = candidates(study.scores, study.items).set_index(["expert", "rank"]).loc[("news", 8)]
    assert found["average"] == pytest.approx(averages(study.scores).set_index("mixture").loc["news-r8", "average"])
    rows = study.scores[study.scores["mixture"] == "news-r8"].merge(study.items)
    errors = rows["items"].map(lambda row: np.var(row, ddof=1) / len(row))
    groups = errors.groupby(rows["group"]).agg(lambda part: part.sum() / len(part) ** 2)
    assert found["stderr"] == pytest.approx(np.sqrt(groups.sum()) / 6)


def test_without_items_the_scores_errors_serve(study: Inputs) -> None:
    with_items, without = candidates(study.scores, study.items), candidates(study.scores, None)
    pd.testing.assert_frame_equal(with_items, without)


def test_every_rule_is_listed_with_its_choice(study: Inputs) -> None:
    table = selections(study.scores, study.items)
    for rule in RULES:
        own = table[table["rule"] == rule]
        assert dict(zip(own["expert"], own["rank"], strict=True)) == select(rule, study.scores, study.items)
    assert selections(study.scores[study.scores["kind"] == "baseline"], None).empty


def test_what_cannot_be_selected_is_said(study: Inputs) -> None:
    with pytest.raises(FlexmoreError, match="selection 'bets': no such rule; expected one of best, best2"):
        select("bets", study.scores, study.items)
    with pytest.raises(FlexmoreError, match="evaluate pairs first"):
        select("best", study.scores[study.scores["kind"] == "baseline"], None)
