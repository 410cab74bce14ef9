"""The evidence of rules: which ranks are candidates, averages and their errors."""

import numpy as np
import pandas as pd
import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.selection.evidence import evidence_from_table
from flexmore.analysis.selection.selections import select
from flexmore.analysis.statistics.scopes import averages


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
