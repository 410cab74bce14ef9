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


def test_a_study_in_which_every_expert_harms_says_to_use_none(study_of: Any) -> None:
    inputs = study_of(Made(gain=-0.15))
    page = readme(Content(analyze(inputs, SETTINGS, {}), About("made", SETTINGS)))
    assert page.split("**What was found**\n\n- ")[1].startswith(
        "**Use none of them.** No mixture beats the public model"
    )
    assert "0 of 3 full experts help" in page
    assert "r95 is not defined on their own domain's tasks: the full expert's gain is not above zero" in page
    assert "No joint mixture averages more." in page


def test_without_items_the_report_says_so(study: Inputs) -> None:
    lean = analyze(Inputs(study.scores), SETTINGS, {})
    page = readme(Content(lean, About("made", SETTINGS)))
    assert "**No per-item results were given**" in page
    assert "Without per-item results it cannot be judged out of sample" in page
    assert "Without per-item results no rank is judged on items that had no part in its choice." in page
    assert "is called an optimum" not in page
    assert "flattered" not in page.split("## Choosing ranks")[0]


def test_one_seed_is_said_to_be_one(tables: dict[str, pd.DataFrame]) -> None:
    assert "There is one training seed." in readme(Content(tables, About("made", SETTINGS)))


def test_the_spread_between_seeds_is_on_the_page(seed_tables: dict[str, pd.DataFrame]) -> None:
    page = readme(Content(seed_tables, About("made", SETTINGS, FACTS)))
    assert "All numbers on this page are of training seed 0, except" in page
    assert page.count("There are 3 training seeds (0, 1 and 2).") == 2
    assert f"| {DOMAIN_GAIN} | math | +60.0 | +50.0 | +70.0 | 60.0 | 10.0 |" in page


def test_unread_answers_cut_prompts_and_tasks_at_chance_are_told(study: Inputs) -> None:
    scores = study.scores.copy()
    lost = (scores["mixture"] == "math-r1") & (scores["task"] == "bbh_math")
    scores.loc[lost, ["unread", "score"]] = [50, 0.0]
    scores.loc[scores["task"] == "gen5_public", "cut"] = 3
    scores.loc[scores["task"] == "mc9_public", ["score", "chance", "n"]] = [0.2, 0.2, 1000]
    page = readme(Content(analyze(Inputs(scores), SETTINGS, {}), About("made", SETTINGS)))
    told = page.split("## How tasks were answered")[1].split("## ")[0]
    assert "50 answers are unread (empty, or with none found in them), in 1 score of 1 mixture on 1 task." in told
    assert "| `math-r1` | `bbh_math` | 50 | 50 | 100 % |" in told
    assert "Prompts longer than the context lost their beginning (gen5_public 3 of 50): `tables/cut.csv`." in told
    assert "On 1 task no mixture can be told from guessing (mc9_public). They are in the average; without them" in told


def test_where_nothing_is_unread_the_page_says_so(tables: dict[str, pd.DataFrame]) -> None:
    told = readme(Content(tables, About("made", SETTINGS))).split("## How tasks were answered")[1].split("## ")[0]
    assert told.strip() == "- No answer is known to be unread (empty, or with none found in it)."


def test_a_report_on_an_unfinished_study_is_headed_so(tables: dict[str, pd.DataFrame]) -> None:
    rows = [("mixture", "math-r1", 3, 13), ("mixture", "math-r2", 3, 13), ("task", "mc9_math", 40, 60)]
    left_out = pd.DataFrame(rows, columns=["what", "name", "missing", "of"])
    page = readme(Content(tables, About("made", SETTINGS), left_out=left_out))
    assert page.startswith("# made (partial): what rank costs")
    first = page.split("## ")[1]
    assert first.startswith("What is left out\n\n**This study is not complete, and this report is partial.**")
    assert "| mixture | `math-r1` and `math-r2` | 3 of 13 |" in first
    assert "| task | `mc9_math` | 40 of 60 |" in first
    whole = readme(Content(tables, About("made", SETTINGS)))
    assert whole.startswith("# made: what rank costs")
    assert "What is left out" not in whole
