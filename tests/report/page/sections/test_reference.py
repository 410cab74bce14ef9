"""What others reported beside ours: on the paper's family, with their sources and cautions, and on no other."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_tables import Made

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.config.analysis import AnalysisSettings
from flexmore.config.loading import load_study
from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.readme import readme
from flexmore.report.page.sections.reference import beside_reference
from flexmore.steps.about_study import about_study

SETTINGS = AnalysisSettings(bootstrap_samples=200)
PAPER = about_study(load_study(Path("config/paper.yaml")))
TITLE = "## Beside what others reported"


@pytest.fixture(scope="module")
def tables(study: Inputs) -> dict[str, pd.DataFrame]:
    return analyze(study, SETTINGS, {})


@pytest.fixture(scope="module")
def section(tables: dict[str, pd.DataFrame]) -> str:
    return beside_reference(tables, PAPER)


def test_only_the_papers_family_has_reference_values() -> None:
    assert about_study(load_study(Path("config/paper.yaml"))).reference is not None
    assert about_study(load_study(Path("config/config.yaml"))).reference is None


def test_the_report_of_another_family_shows_none(tables: dict[str, pd.DataFrame]) -> None:
    without = readme(Content(tables, About("made", SETTINGS)))
    assert TITLE not in without
    assert not re.search(r"47\.18|45\.46|52\.13", without)
    shown = readme(Content(tables, PAPER))
    assert TITLE in shown


def test_ours_stand_beside_what_others_reported(section: str, tables: dict[str, pd.DataFrame]) -> None:
    averages = tables["averages"].set_index("mixture")
    best, full, notes, _ = [line for line in section.split("\n") if re.match(r"\| (FlexMoRE at|all experts)", line)]
    assert "| 47.18 | 10.75B | abstract |" in best
    assert f"{100 * averages['average']['joint-a2-best']:.2f} (`joint-a2-best`)" in best
    assert f"{100 * averages['average']['joint-a4-best']:.2f} (`joint-a4-best`)" in best
    assert "| 45.46 | 33.27B | abstract |" in full
    assert "`joint-a2-full`" in full
    assert "2 active | 47.10 |" in notes  # beside those with as many active, no others
    assert "joint-a4" not in notes
    group = averages["BBH"]["math-full"]
    [ours] = [line for line in section.split("\n") if line.startswith("| `math-full` | ours |")]
    assert f" {100 * group:.1f} |" in ours
    assert "| `public` | ours |" in section


def test_second_hand_values_say_so_and_the_gap_is_stated(section: str) -> None:
    for line in section.split("\n"):
        if re.search(r"\| 47\.10 |\| 44\.65 ", line):
            assert "notes, second-hand" in line
    assert section.count("notes, second-hand") == 2
    assert "6.7 points apart" in section
    assert "not the paper itself" in section


def test_a_study_of_one_group_shows_that_group_and_no_mean(study_of: Any) -> None:
    few = analyze(study_of(Made(groups=("BBH",))), SETTINGS, {})
    section = beside_reference(few, PAPER)
    [public] = [line for line in section.split("\n") if line.startswith("| `public` | ours |")]
    cells = [cell.strip() for cell in public.strip("|").split("|")][2:]
    assert cells[:5] == ["\N{EN DASH}"] * 5
    assert float(cells[5]) == pytest.approx(100 * few["averages"].set_index("mixture")["BBH"]["public"], abs=0.05)
    assert cells[6] == "\N{EN DASH}"
    assert "(`joint-a2-best`)" not in section


def test_best_less_full_stands_beside_the_papers(section: str, tables: dict[str, pd.DataFrame]) -> None:
    assert "47.18 \N{MINUS SIGN} 45.46 = +1.72 points above full" in section
    averages = tables["averages"].set_index("mixture")["average"]
    for active in (2, 4):
        ours = 100 * (averages[f"joint-a{active}-best"] - averages[f"joint-a{active}-full"])
        assert f"{ours:+.2f}".replace("-", "\N{MINUS SIGN}") in re.findall(r"`best` less full is .*", section)[0]
        assert f"with {active} active" in section


def test_chosen_ranks_are_looked_for_among_the_sets_of_the_papers_size(tables: dict[str, pd.DataFrame]) -> None:
    assert len(PAPER.sets) == 17
    assert all(2377 <= sum(ranks) <= 2383 for ranks in PAPER.sets)
    text = beside_reference(tables, PAPER)
    assert "17 sets of ranks come to 10.75B parameters; the ranks that `best` chose here" in text
    assert "are none of them." in text
    chosen = tables["selections"].query("rule == 'best'")["rank"].astype(int)
    among = replace(PAPER, sets=[*PAPER.sets, tuple(sorted(chosen, reverse=True))])
    assert "18 sets of ranks" in beside_reference(tables, among)
    assert "are one of them." in beside_reference(tables, among)
    assert "sets of ranks come to" not in beside_reference(tables, replace(PAPER, sets=()))
