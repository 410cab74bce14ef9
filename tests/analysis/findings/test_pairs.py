"""The pairs as the paper lists them."""

from typing import Any

import pandas as pd
from made_tables import LADDER, Made

from flexmore.analysis.findings.pairs import list_pairs
from flexmore.analysis.statistics.gains import gains


def test_every_expert_at_every_rank_of_the_ladder_and_full(study_of: Any) -> None:
    inputs = study_of(Made(domains=False))
    found = gains(inputs.scores, inputs.items)
    pairs = list_pairs(found)
    assert len(pairs) == 3 * (len(LADDER) + 1)
    assert list(pairs["rank"][: len(LADDER) + 1]) == [*map(str, LADDER), "full"]
    assert list(pairs["expert"].unique()) == ["math", "news", "pes2o"]
    saturated = pairs[(pairs["expert"] == "news") & (pairs["effective_rank"] == "64")]
    assert list(saturated["rank"]) == ["64", "128", "256"]
    assert saturated["average"].nunique() == 1
    row = pairs.set_index(["expert", "rank"]).loc[("math", "8")]
    assert row["average"] == inputs.scores.query("mixture == 'math-r8'").groupby("group")["score"].mean().mean()


def test_a_table_without_pairs_lists_none(study_of: Any) -> None:
    inputs = study_of(Made(ladder=(1,), extras=(), full=False))
    found = gains(inputs.scores[inputs.scores["kind"] == "baseline"], None)
    assert list_pairs(found).empty
    assert isinstance(list_pairs(found), pd.DataFrame)
