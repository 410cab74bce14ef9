"""The report: all of its parts are there, and no link is dead."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
from made_tables import Made, make
from table_fixtures import FACTS, SETTINGS

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings.seeds import DOMAIN_GAIN
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.catalogue import TABLE_ROWS, TABLES
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.report.drawing import write_report
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.pictures import read_captions
from flexmore.report.page.readme import readme
from flexmore.steps.analysis_tables import write_analysis

REPORT = Path(__file__).parents[3] / "workflow" / "report"


def test_every_figure_and_table_is_there_and_every_link_lives(study: Inputs, tmp_path: Path) -> None:
    source = tmp_path / "made" / "tables"
    collect_scores(*make(Made(), tmp_path), source)
    for name in ("PREDICTIONS.md", "NOTES.md", "config.yaml"):
        (tmp_path / "made" / name).write_text("here")
    about = About("made", SETTINGS, FACTS, seed="0", command="do it")
    write_analysis(source, source, about)
    write_report(source, tmp_path / "made", about, REPORT)
    page = (tmp_path / "made" / "README.md").read_text()
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert (tmp_path / "made" / target).exists(), target
    without = {"spectra", "error_by_rank"}  # no factors were collected here: said in words, not shown
    for name in FIGURES:
        assert page.count(f"(figures/{name}.png)") == (name not in without), name
    assert "Not drawn: spectra: no factors were made; error by rank: no adapters were measured." in page
    for name in TABLES:
        assert f"`tables/{name}.csv`" in page
        assert (source / f"{name}.csv").exists()
    for word in ("nan", "inf ", "None", "\n\n\n"):
        assert word not in page, word
    assert "do it" in page
    assert "| lm_eval | 0.4.13 |" in page
    assert set(TABLE_ROWS) == set(TABLES)
    assert set(read_captions(REPORT, SETTINGS)) == set(FIGURES)


def test_a_reader_is_told_what_the_planted_experts_learned(tables: dict[str, pd.DataFrame]) -> None:
    def page(about: About) -> str:
        return readme(Content(tables, about))

    names = ("math", "news", "pes2o")
    told = "memorised facts (news 60 and pes2o 540) and are asked for them; the others (math) learned procedures"
    assert told in page(About("pocket", SETTINGS, {"news": 60, "pes2o": 540}, names, control=True))
    assert "memorised facts (news 60 and pes2o 540)" in page(
        About("pocket", SETTINGS, {"pes2o": 540, "news": 60}, names, control=True)
    )
    assert "memorised facts (" not in (mine := page(About("mine", SETTINGS, experts=names)))
    assert "BBH, AGIEval and MMLU-Pro as *reasoning* and MMLU, MC9 and Gen5 as *knowledge*" in mine
    assert "Ranks are 1, 2, 4, 8, 16, 32 and 64; pairs alone have 3, 6 and 12 as well." in mine
    assert mine.count("2602.08818") == 1
    assert "snakemake" not in mine


def test_nothing_to_recover_is_said(study_of: Any) -> None:
    inputs = study_of(Made(gain=-0.15))
    page = readme(Content(analyze(inputs, SETTINGS, {}), About("made", SETTINGS)))
    assert "0 of 3 full experts help" in page
    assert "there is nothing to recover, at any rank: the full expert's gain is not above zero" in page


def test_without_items_the_report_says_so(study: Inputs) -> None:
    lean = analyze(Inputs(study.scores), SETTINGS, {})
    page = readme(Content(lean, About("made", SETTINGS)))
    assert "**No per-item results were given**" in page
    assert "is called an optimum: without per-item results" in page
    assert "flattered" not in page.split("## Choosing ranks")[0]


def test_one_seed_is_said_to_be_one(tables: dict[str, pd.DataFrame]) -> None:
    assert "There is one training seed." in readme(Content(tables, About("made", SETTINGS)))


def test_the_spread_between_seeds_is_on_the_page(seed_tables: dict[str, pd.DataFrame]) -> None:
    page = readme(Content(seed_tables, About("made", SETTINGS, FACTS)))
    assert "All numbers on this page are of training seed 0, except" in page
    assert page.count("There are 3 training seeds (0, 1 and 2).") == 2
    assert "Quarantine left out" not in page
    assert f"| {DOMAIN_GAIN} | math | +60.0 | +50.0 | +70.0 | 60.0 | 10.0 |" in page


def test_what_quarantine_took_from_other_seeds_is_said(seed_tables: dict[str, pd.DataFrame]) -> None:
    rows = [("public", "a", "task"), ("math-r1", "a", "task"), ("math-r2", "b", "mixture"), ("math-r2", "c", "mixture")]
    doubtful = pd.DataFrame(rows, columns=["mixture", "task", "left_out"])
    page = readme(
        Content(seed_tables, About("made", SETTINGS, FACTS), other_quarantines={"1": doubtful, "2": doubtful[:2]})
    )
    assert page.count("Quarantine left out 1 task and 1 mixture of seed 1, 1 task of seed 2") == 2
    assert "so it mixes training and tasks" in page
