"""The report: every number in a sentence is a table's, strong words need a test, and nothing is missing or dead."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_tables import Made, make

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings.seeds import DOMAIN_GAIN, HALF, HOLDS, R95, spread_of
from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.analysis.tables.catalogue import TABLE_ROWS, TABLES
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError
from flexmore.report.drawing import run_drawing
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page import decisions as decide
from flexmore.report.page import findings as say
from flexmore.report.page.about import About
from flexmore.report.page.readme import captions_in, readme
from flexmore.report.page.words import gain, listing, markdown, number, points, span
from flexmore.steps.analysis_tables import write_analysis

SETTINGS = AnalysisSettings(draws=200)
REPORT = Path(__file__).parents[3] / "workflow" / "report"
FACTS = {"math": 200, "news": 400, "pes2o": 800}


@pytest.fixture(scope="module")
def tables(study: Inputs) -> dict[str, pd.DataFrame]:
    """Of the default made-up study."""
    return analyze(study, SETTINGS, FACTS)


def test_sentences_say_what_the_tables_hold(tables: dict[str, pd.DataFrame]) -> None:
    row = tables["gains"].query("mixture == 'math-full' and scope == 'domain' and name == 'math'").iloc[0]
    text = " ".join(say.say_gains(tables))
    assert f"math {100 * row['gain']:+.1f} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})" in text
    assert "3 of 3 full experts help on their own domain's tasks" in text
    assert "none of them helps" in text
    r95 = tables["r95"].query("expert == 'news' and scope == 'domain'").iloc[0]
    assert f"news {r95['r95']} ({span(r95['r95_low'], r95['r95_high'])})" in say.say_recovery(tables)[0]


def test_a_changed_table_changes_the_sentence(tables: dict[str, pd.DataFrame]) -> None:
    worse = tables["gains"].copy()
    mine = (worse["mixture"] == "math-full") & (worse["scope"] == "domain")
    worse.loc[mine, ["gain", "low", "high", "verdict"]] = [-0.1, -0.2, -0.05, "harms"]
    changed = dict(tables, gains=worse)
    assert "2 of 3 full experts help" in say.say_gains(changed)[0]
    assert "\N{MINUS SIGN}10.0" in say.say_gains(changed)[0]


def test_facts_that_need_more_rank_are_found_again(tables: dict[str, pd.DataFrame]) -> None:
    [text] = say.say_facts(tables, FACTS)
    assert "it rises with the number of facts, and neighbouring intervals do not overlap" in text
    [other] = say.say_facts(tables, {"math": 800, "news": 400, "pes2o": 200})
    assert "on this seed it does not rise with the number of facts" in other
    assert say.say_facts(tables, {}) == []


def test_a_reader_is_told_what_the_planted_experts_learned(tables: dict[str, pd.DataFrame]) -> None:
    def page(about: About) -> str:
        return readme(tables, about, None, {}, [])

    experts = ("math", "news", "pes2o")
    told = "memorised facts (news 60 and pes2o 540) and are asked for them; the others (math) learned procedures"
    assert told in page(About("pocket", SETTINGS, {"news": 60, "pes2o": 540}, experts, control=True))
    assert "memorised facts (news 60 and pes2o 540)" in page(
        About("pocket", SETTINGS, {"pes2o": 540, "news": 60}, experts, control=True)
    )
    assert "memorised facts (" not in (mine := page(About("mine", SETTINGS, experts=experts)))
    assert "BBH, AGIEval and MMLU-Pro as *reasoning* and MMLU, MC9 and Gen5 as *knowledge*" in mine
    assert "Ranks are 1, 2, 4, 8, 16, 32 and 64; pairs alone have 3, 6 and 12 as well." in mine
    assert mine.count("2602.08818") == 1
    assert "snakemake" not in mine


def test_strong_words_need_a_test(tables: dict[str, pd.DataFrame]) -> None:
    skills = tables["skills"].assign(n_experts=6.0, difference=1.0, low=0.5, high=1.5)
    for p, word in ((0.2, "is not significant"), (0.01, "is significant")):
        assert word in say.say_skills(dict(tables, skills=skills.assign(p=p)), SETTINGS)[1]
    for low, said in ((-1.0, True), (0.5, False)):
        told = say.say_skills(dict(tables, skills=skills.assign(p=0.2, tasks_low=low, tasks_high=1.5)), SETTINGS)[0]
        assert ("other tasks of the same kind could reverse it" in told) is said
    alone = say.say_skills(dict(tables, skills=skills.assign(n_experts=1.0)), SETTINGS)
    assert len(alone) == 1
    assert alone[0].endswith("One expert allows no test over experts.")
    comparisons = tables["comparisons"]
    assert not any(" is best" in text for text in decide.say_joint(tables))
    sure = comparisons.assign(verdict="lower")
    assert "`joint-a2-" in decide.say_joint(dict(tables, comparisons=sure))[1]
    assert (
        "is best: higher than every other after Holm's correction"
        in decide.say_joint(dict(tables, comparisons=sure))[1]
    )
    shapes = tables["shapes"]
    assert "No interior optimum is called" in " ".join(decide.say_reading(tables))
    called = shapes.assign(optimum="yes", reason="", vertex_rank=8.0)
    assert "An interior optimum stands every test for" in " ".join(decide.say_reading(dict(tables, shapes=called)))


def test_nothing_to_recover_is_said(study_of: Any) -> None:
    inputs = study_of(Made(gain=-0.15))
    page = readme(analyze(inputs, SETTINGS, {}), About("made", SETTINGS), None, {}, [])
    assert "0 of 3 full experts help" in page
    assert "there is nothing to recover, at any rank: the full expert's gain is not above zero" in page


def test_every_figure_and_table_is_there_and_every_link_lives(study: Inputs, tmp_path: Path) -> None:
    source = tmp_path / "made" / "tables"
    collect_scores(*make(Made(), tmp_path), source)
    for name in ("PREDICTIONS.md", "NOTES.md", "config.yaml"):
        (tmp_path / "made" / name).write_text("here")
    about = About("made", SETTINGS, FACTS, seed="0", command="do it")
    write_analysis(source, source, about)
    run_drawing(source, tmp_path / "made", about, REPORT)
    page = (tmp_path / "made" / "README.md").read_text()
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert (tmp_path / "made" / target).exists(), target
    for name in FIGURES:
        assert page.count(f"(figures/{name}.png)") == 1
    for name in TABLES:
        assert f"`tables/{name}.csv`" in page
        assert (source / f"{name}.csv").exists()
    for word in ("nan", "inf ", "None", "\n\n\n"):
        assert word not in page, word
    assert "do it" in page
    assert "| lm_eval | 0.4.13 |" in page
    assert set(TABLE_ROWS) == set(TABLES)
    assert set(captions_in(REPORT)) == set(FIGURES)


def test_without_items_the_report_says_so(study: Inputs) -> None:
    lean = analyze(Inputs(study.scores), SETTINGS, {})
    page = readme(lean, About("made", SETTINGS), None, {}, [])
    assert "**No per-item results were given**" in page
    assert "is called an optimum: without per-item results" in page
    assert "flattered" not in page.split("## Choosing ranks")[0]


@pytest.fixture(scope="module")
def seeds(study_of: Any) -> dict[str, pd.DataFrame]:
    """Three runs whose gains differ."""
    others = {"1": study_of(Made(gain=0.5)), "2": study_of(Made(gain=0.7))}
    return analyze(replace(study_of(Made()), seed="0", others=others), SETTINGS, FACTS)


def test_the_spread_between_seeds(seeds: dict[str, pd.DataFrame]) -> None:
    spread = spread_of(seeds["seeds"]).set_index(["quantity", "subject"])
    row = spread.loc[(DOMAIN_GAIN, "math")]
    assert (row["lowest"], row["highest"], row["mean"]) == pytest.approx((0.5, 0.7, 0.6))
    assert row["sd"] == pytest.approx(0.1)
    assert list(dict.fromkeys(quantity for quantity, _ in spread.index)) == list(seeds["seeds"]["quantity"].unique())
    assert spread.loc[(R95, "news"), "seeds"] == 3
    assert set(spread.loc[HOLDS, "seeds"]) == {3}
    page = readme(seeds, About("made", SETTINGS, FACTS), None, {}, [])
    assert "All numbers on this page are of training seed 0, except" in page
    assert page.count("There are 3 training seeds (0, 1 and 2).") == 2
    assert "Quarantine left out" not in page
    assert f"| {DOMAIN_GAIN} | math | +60.0 | +50.0 | +70.0 | 60.0 | 10.0 |" in page


def test_how_far_the_seeds_agree(seeds: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]) -> None:
    apart, held = say.say_spread(seeds)
    assert apart == "Between the seeds full's gain on its own domain differs by up to 20.0 points (math)."
    rows = seeds["seeds"]
    one = (rows["quantity"] == HOLDS) & (rows["subject"] == "4") & (rows["seed"] == "2")
    changed = say.say_spread(dict(seeds, seeds=rows.assign(text=rows["text"].mask(one, "no"))))[1]
    assert held == "Of the 7 predictions that could fail 6 held for every seed; prediction 2 for 0 of 3."
    assert changed.endswith("fail 5 held for every seed; prediction 2 for 0 of 3 and prediction 4 for 2 of 3.")
    assert say.say_spread(tables) == []


def test_what_was_planted_is_said_to_be_found_or_not(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["predictions"].assign(holds="yes")
    found, held = say.say_predictions(dict(tables, predictions=rows))
    assert found.startswith("What was planted is found again")
    assert held == "Of 8 predictions that could fail 8 held."
    one = (rows["number"] == 5) & (rows["subject"] == "math")
    missed, said = say.say_predictions(dict(tables, predictions=rows.assign(holds=rows["holds"].mask(one, "no"))))
    assert missed == "**What was planted is not all found again**: prediction 5 failed."
    assert said.startswith("Of 8 predictions that could fail 7 held. Prediction 5 failed (a random delta")
    assert "math" in said
    assert "news" not in said


def test_what_quarantine_took_from_other_seeds_is_said(seeds: dict[str, pd.DataFrame]) -> None:
    rows = [("public", "a", "task"), ("math-r1", "a", "task"), ("math-r2", "b", "mixture"), ("math-r2", "c", "mixture")]
    doubtful = pd.DataFrame(rows, columns=["mixture", "task", "left_out"])
    page = readme(seeds, About("made", SETTINGS, FACTS), None, {}, [], None, {"1": doubtful, "2": doubtful[:2]})
    assert page.count("Quarantine left out 1 task and 1 mixture of seed 1, 1 task of seed 2") == 2
    assert "so it mixes training and tasks" in page


def test_seeds_on_which_facts_do_otherwise_are_named(seeds: dict[str, pd.DataFrame]) -> None:
    rows = seeds["seeds"]
    one = (rows["quantity"] == HALF) & (rows["subject"] == "math") & (rows["seed"] == "2")
    mixed = dict(seeds, seeds=rows.assign(value=rows["value"].mask(one, 99.0)))
    [text] = say.say_facts(mixed, FACTS)
    assert "on this seed it rises with the number of facts" in text
    assert text.endswith("; on seed 2 it does not.")


def test_random_deltas_that_gain_or_harm_are_named(tables: dict[str, pd.DataFrame]) -> None:
    gains = tables["gains"]
    for name, value, verdict in (("math", 0.01, "helps"), ("news", -0.05, "harms"), ("pes2o", -0.05, "harms")):
        own = (gains["kind"] == "control") & (gains["experts"] == name)
        gains = gains.assign(gain=gains["gain"].mask(own, value), verdict=gains["verdict"].mask(own, verdict))
    text = say.say_gains(dict(tables, gains=gains))[-1]
    assert text.endswith("math's random delta gains a little, the random deltas of news and pes2o harm.")


def test_mixtures_that_answer_alike_are_said_to(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["comparisons"]
    same = rows.assign(difference=0.0, only_first=0.0, only_other=0.0, verdict="cannot tell")
    text = " ".join(decide.say_joint(dict(tables, comparisons=same)))
    assert "which answer every item alike, have the highest average" in text
    assert "cannot tell" not in text
    assert "than every other" not in text


def test_what_a_choice_flatters_needs_an_interval(tables: dict[str, pd.DataFrame]) -> None:
    for low, optimism, words in ((0.01, 0.02, "average flatters"), (1e-4, 4e-4, "barely flatters")):
        held = tables["heldout"].assign(optimism_low=low, optimism=optimism)
        assert words in decide.say_selection(dict(tables, heldout=held))[0]
    held = tables["heldout"].assign(optimism_low=-0.01)
    assert "is not seen to flatter" in decide.say_selection(dict(tables, heldout=held))[0]


def test_one_seed_is_said_to_be_one(tables: dict[str, pd.DataFrame]) -> None:
    assert "There is one training seed." in readme(tables, About("made", SETTINGS), None, {}, [])
    assert np.isnan(spread_of(tables["seeds"])["sd"]).all()


def test_seeds_lie_in_folders_beside_the_tables(tmp_path: Path) -> None:
    for folder, made in ((tmp_path, Made()), (tmp_path / "seeds" / "7", Made(gain=0.5))):
        (scratch := folder / "scratch").mkdir(parents=True)
        collect_scores(*make(made, scratch), folder / "tables")
    found = read_inputs(tmp_path / "tables", "3")
    assert (found.seed, list(found.others)) == ("3", ["7"])
    assert found.others["7"].items is not None
    with pytest.raises(FlexmoreError, match="seed 7 is the main run's already"):
        read_inputs(tmp_path / "tables", "7")


def test_numbers_as_people_read_them() -> None:
    assert [points(x) for x in (0.394, -0.0001, -0.25)] == ["+39.4", "+0.0", "\N{MINUS SIGN}25.0"]
    assert [number(x) for x in (1.25, float("inf"), float("-inf"))] == ["1.2", "beyond all", "below all"]
    assert [span("8", "16"), span("8", "8")] == ["8 to 16", "8"]
    assert [listing("abc"), listing("ab"), listing("a"), listing("")] == ["a, b and c", "a and b", "a", ""]
    assert markdown(["a"], []) == ""
    assert markdown(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |"
    assert gain(pd.Series({"gain": 0.1, "low": np.nan, "high": np.nan})) == "+10.0 (no interval)"
