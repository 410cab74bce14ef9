"""A wrong table ends with a message that names the row; one with gaps gives a report that says it is partial."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_tables import Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings import recovery
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.gaps import gaps
from flexmore.analysis.tables.scores import read_scores
from flexmore.analysis.tables.storage import write_csv
from flexmore.analysis.tables.validation import validate
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError
from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.readme import readme

Change = Callable[[pd.DataFrame], pd.DataFrame]
SETTINGS = AnalysisSettings(draws=200)


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


def test_a_table_made_elsewhere_is_read(study: Inputs, tmp_path: Path) -> None:
    """Ranks as numbers, empty cells for no domain, no standard errors: a spreadsheet's CSV."""
    pairs = study.scores[study.scores["kind"].isin(["baseline", "pair"])]
    lean = pairs.assign(domain="", stderr=float("nan"))
    write_csv(tmp_path / "scores.csv", lean.sample(frac=1, random_state=0))
    found = read_scores(tmp_path / "scores.csv")
    assert list(found["mixture"].unique()) == list(lean["mixture"].unique())
    tables = analyze(Inputs(found), SETTINGS, {})
    assert (tables["gains"]["verdict"] == "unclear").all()  # nothing is known of the noise
    assert set(tables["r95"]["r95_reason"]) == {recovery.NO_INTERVAL}
    write_csv(tmp_path / "scores.csv", lean.assign(score="high"))
    with pytest.raises(FlexmoreError, match="column score holds 'high'; expected numbers"):
        read_scores(tmp_path / "scores.csv")


def test_a_complete_grid_has_no_gaps(study: Inputs) -> None:
    assert gaps(study.scores).empty


def test_missing_mixtures_make_a_partial_report(study: Inputs) -> None:
    assert study.items is not None
    lost = ["math-full", "news-r8", "joint-a4-best"]
    part = replace(study, scores=study.scores[~study.scores["mixture"].isin(lost)].reset_index(drop=True))
    found = gaps(part.scores)
    assert [tuple(row) for row in found[["kind", "subject", "rank"]].to_numpy()] == [
        ("pair", "math", "full"), ("pair", "news", "8"), ("joint", "4 active", "best"),
    ]  # fmt: skip
    tables = analyze(part, SETTINGS, {})
    math = tables["r95"].query("expert == 'math'")
    assert set(math["r95_reason"]) == {recovery.NO_FULL}
    page = readme(Content(tables, About("made", SETTINGS)))
    assert "**This report is partial**: 3 mixtures of a complete grid are missing" in page
    assert "| pair | math | full | no r95, no half rank |" in page


def test_a_single_rank_is_no_curve(study_of: Callable[[Made], Inputs]) -> None:
    inputs = study_of(Made(ladder=(16,), extras=(), controls=False))
    tables = analyze(inputs, SETTINGS, {})
    assert set(tables["r95"]["r95_reason"]) <= {recovery.ONE_RANK, recovery.NO_GAIN}
    assert tables["regression"].empty
    assert set(tables["gaps"]["rank"]) == {"all but one"}
    page = readme(Content(tables, About("made", SETTINGS)))
    assert "**This report is partial**" in page
    assert "r95 is not defined: a single rank was evaluated" in page
