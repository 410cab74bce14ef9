"""A wrong table ends with a message that names the row."""

from collections.abc import Callable

import pandas as pd
import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.validation import validate
from flexmore.errors import FlexmoreError

Change = Callable[[pd.DataFrame], pd.DataFrame]


def _with(row: int, **values: object) -> Change:
    def change(scores: pd.DataFrame) -> pd.DataFrame:
        found = scores.astype(dict.fromkeys(values, "object"))
        for column, value in values.items():
            found.loc[row, column] = value
        return found.infer_objects()

    return change


WRONG: list[tuple[Change, str]] = [
    (lambda s: s.drop(columns="n"), "columns missing: n"),
    (lambda s: s.assign(score=s["score"] * 100), r"outside 0\.\.1, first .*: \d.*; scores are shares, not per cent"),
    (lambda s: s.assign(stderr=7.0), r"standard errors outside 0\.\.1, first public on mc9_math: 7\.0"),
    (lambda s: s.assign(score=float("nan")), r"outside 0\.\.1"),
    (_with(3, n=0), "1 counts of items below 1, first public on mc9_public: 0"),
    (_with(3, group=""), "rows without a group, first public"),
    (lambda s: pd.concat([s, s.iloc[[5]]]), "1 repeated rows, first public"),
    (lambda s: s.drop(index=len(s) - 1), "mixture pes2o-r12 lacks 1 of 22 tasks, first bbh_public"),
    (lambda s: s[s["kind"] != "baseline"], "0 baselines"),
    (lambda s: s.assign(kind="couple"), "unknown kind couple"),
    (lambda s: s.iloc[:0], "no rows"),
    (
        lambda s: s.assign(rank=s["rank"].replace("8", "r8")),
        "rank of math-r8: 'r8'; expected a whole number from 1, or",
    ),
    (lambda s: s.assign(effective_rank=s["effective_rank"].replace("8", "")), "effective_rank of math-r8: ''"),
    (_with(30, parameters=1), "mixture math-r1 is described in two ways"),
    (_with(30, group="Gen5"), "task .* is described in two ways"),
    (
        lambda s: pd.concat([s, s[s["mixture"] == "math-r8"].assign(mixture="twin")]),
        "mixture twin is there under another name: same kind, experts, rank and active",
    ),
    (
        lambda s: s.assign(experts=s["experts"].replace("math", "math+news")),
        r"experts of math-r1: 'math\+news'; a pair has",
    ),
    (
        lambda s: s.assign(experts=s["experts"].replace("math+news+pes2o", "math+news+law")),
        "unknown experts law: not in any pair, which has math, news, pes2o",
    ),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_bad_table_is_refused(study: Inputs, change: Change, message: str) -> None:
    with pytest.raises(FlexmoreError, match=message):
        validate(change(study.scores))


def test_experts_that_the_configuration_has_not(study: Inputs) -> None:
    validate(study.scores, experts=["math", "news", "pes2o", "code"])
    with pytest.raises(FlexmoreError, match="unknown experts pes2o: not in the configuration, which has math, news"):
        validate(study.scores, experts=["math", "news"])
