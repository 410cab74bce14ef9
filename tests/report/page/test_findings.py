"""What the page says first: which rank to use, or that none is of use, as the findings are."""

import finding_frames
import pandas as pd
import pytest
from table_fixtures import SETTINGS

from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.readme import readme

Tables = dict[str, pd.DataFrame]


def page_of(tables: Tables, found: Tables) -> str:
    return readme(Content(tables | found, About("made", SETTINGS)))


def section(page: str, title: str) -> str:
    return page.split(f"## {title}\n\n")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def above(tables: Tables) -> str:
    return page_of(tables, finding_frames.optimum_below_full())


@pytest.fixture(scope="module")
def below(tables: Tables) -> str:
    return page_of(tables, finding_frames.damage_only())


def test_an_optimum_below_full_is_told_to_be_used(above: str) -> None:
    short = section(above, "In short")
    assert short.startswith("**What was found**\n\n- **Use rank 64 for reasoning and rank 8 for knowledge**")
    assert "reasoning's optimum lies between 32 and 128 and knowledge's optimum lies between 4 and 16" in short
    assert "For reasoning use math at rank 64: +2.4 (+1.4 to +3.4); news at rank 64" in short
    assert "The chosen rank beats the full expert as well in 3 of 3: math +3.9" in short
    assert "**Reasoning wants a higher rank than knowledge**: rank 64 for reasoning, rank 8 for knowledge" in short
    assert (
        "An optimum is called in 12 of 12 cases: all experts on average at rank 32 (16 to 64), all experts on" in short
    )
    assert "rank 8 (4 to 16), and 9 more in `tables/optima.csv`." in short
    assert "**How sure it is**" in short
    assert "nothing to recover" not in short
    assert "use none" not in above.lower()


def test_where_nothing_beats_public_the_page_says_so_and_what_each_costs(below: str, tables: Tables) -> None:
    short = section(below, "In short")
    first, second = short.split("\n")[2:4]
    assert first.startswith("- **Use none of them.** No mixture beats the public model")
    assert "no joint mixture of selected ranks" in first
    whole = tables["gains"].query("mixture == 'math-full' and scope == 'average'")["gain"].iloc[0]
    cost = f"{100 * whole:+.1f}".replace("-", "\N{MINUS SIGN}")
    assert f"math \N{MINUS SIGN}1.2 (\N{MINUS SIGN}2.2 to \N{MINUS SIGN}0.2) at rank 1, {cost} in full" in second
    assert "**Use rank" not in below
    assert "No rank is called an optimum" in short


def test_one_expert_without_gain_is_left_out_and_the_others_are_not(tables: Tables) -> None:
    found = finding_frames.optimum_below_full()
    chosen = found["chosen"]
    lost = (chosen["expert"] == "news") & chosen["scope"].isin(["average", "skill"])
    chosen.loc[lost, "verdict"] = "no rank beats public"
    short = section(page_of(tables, found), "In short")
    assert "Nothing is to be recovered for certain from news: no rank beats public." in short
    assert "On the average no rank of news beats the public model: as far as the average goes, leave it out." in short
    assert "For knowledge use math at rank 8" in short


def test_a_skill_that_no_rank_helps_has_nothing_to_recover(tables: Tables) -> None:
    found = finding_frames.optimum_below_full()
    found["chosen"].loc[found["chosen"]["name"] == "knowledge", "verdict"] = "no rank beats public"
    short = section(page_of(tables, found), "In short")
    assert "For knowledge no rank of any expert beats the public model: there is nothing to recover." in short
    assert "For reasoning use math at rank 64" in short


def test_joint_mixtures_that_beat_public_are_named_where_no_expert_alone_does(tables: Tables) -> None:
    found = finding_frames.damage_only() | {"contrasts": finding_frames.optimum_below_full()["contrasts"]}
    short = section(page_of(tables, found), "In short")
    assert "**Use no expert alone.**" in short
    assert "`joint-a2-best`, `joint-a2-best2`, `joint-a4-best` and `joint-a4-best2`" in short
    assert "Use none of them" not in short


def test_a_chosen_rank_that_is_no_optimum_says_that_others_may_do(tables: Tables) -> None:
    found = finding_frames.optimum_below_full()
    found["optima"]["optimum"], found["optima"]["reason"] = "no", "no fall from it on held-out items"
    short = section(page_of(tables, found), "In short")
    assert "No one of these ranks is called an optimum, so others may do as well." in short
    assert "**Use rank" not in short
    assert "in any of 12 cases: in 12 no fall from it on held-out items" in short


def test_reasoning_and_knowledge_that_are_not_told_apart_say_what_could_have_been(tables: Tables) -> None:
    found = finding_frames.optimum_below_full()
    found["skill_ranks"]["call"] = "not told apart"
    told = section(page_of(tables, found), "Reasoning against knowledge")
    assert told.startswith("Whether reasoning wants a higher rank than knowledge cannot be told: chosen were rank 64")
    assert "A difference of 1.2 points would have been told." in told
    assert "Of 3 experts, each for itself, reasoning's rank is not told apart in 3." in told
    same = found["skill_ranks"].assign(knowledge_rank="64", plateau="knowledge")
    told = section(page_of(tables, found | {"skill_ranks": same}), "Reasoning against knowledge")
    assert told.startswith("Reasoning and knowledge both do best at rank 64")
    assert "After the best rank for knowledge no fall is seen" in told


def test_planned_contrasts_say_how_many_are_called_and_how_much_choosing_flatters(below: str) -> None:
    joint = section(below, "Joint mixtures")
    assert "against the public model: lower in 4 of 4 planned contrasts" in joint
    assert "against all experts in full: higher in 4 of 4 planned contrasts" in joint
    assert "in pairs that flatters by 0.20 points on the mean" in joint
    assert joint.count("| `joint-a2-best2` |") == 2


def test_chosen_and_written_answers_stand_beside_each_other(tables: Tables) -> None:
    rows = tables["r95"][tables["r95"]["scope"] == "domain"].copy()
    kinds = [rows.assign(scope="answer", name=name) for name in ("chosen", "written")]
    others = tables["r95"][tables["r95"]["scope"] != "answer"]
    kinds[1] = kinds[1].assign(half_low=99.0, half_rank=100.0, half_high=101.0)
    found = finding_frames.optimum_below_full() | {"r95": pd.concat([others, *kinds], ignore_index=True)}
    told = section(page_of(tables, found), "Chosen and written answers")
    assert "half of the gain comes at a higher rank when writing for math, news and pes2o." in told
    [row] = [line for line in told.split("\n") if line.startswith("| math | written |")]
    assert "| 100.0 | 99.0 to 101.0 |" in row
    assert row.endswith("| 32 | +2.4 (+1.4 to +3.4) |")
    assert "## Chosen and written answers" not in page_of(tables, found | {"r95": others})
