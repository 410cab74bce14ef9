"""A table with gaps gives a report that says it is partial."""

from collections.abc import Callable
from dataclasses import replace

from made_tables import Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings import recovery
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.gaps import gaps
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.readme import readme

SETTINGS = AnalysisSettings(bootstrap_samples=200)


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
    assert "a single rank was evaluated: no curve to read a smallest rank from" in page
