"""Sentences on what to use: the ranks chosen on some items, and their gain over public and over full on the others."""

from collections.abc import Sequence

import pandas as pd

from flexmore.analysis.findings.best_ranks.chosen import BOTH, NOTHING
from flexmore.analysis.findings.contrasts import PUBLIC
from flexmore.analysis.findings.skills import SKILLS
from flexmore.analysis.ranks import full
from flexmore.analysis.tables.catalogue import ALL
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import gain, listing, plural, points, span
from flexmore.report.page.sentences.contrasts import better_than_public

OPTIMUM = "yes"
NAMED = 6
"""The most optima of single experts that a line names."""


def chosen_on(tables: Tables, scope: str) -> pd.DataFrame:
    """Select what was chosen on a scope, of each expert and of all."""
    rows = tables["chosen"]
    return rows[rows["scope"] == scope]


def own(rows: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of single experts."""
    return rows[rows["expert"] != ALL]


def beats(rows: pd.DataFrame) -> pd.Series:
    """Tell which rows have a rank that beats public on held-out items."""
    return rows["verdict"] != NOTHING


def say_what_to_do(tables: Tables) -> list[str]:
    """Say which ranks to use, or that none is of use; empty where nothing was judged on held-out items."""
    average, skills = own(chosen_on(tables, "average")), own(chosen_on(tables, "skill"))
    judged = pd.concat([average, skills])
    if judged.empty:
        return ["Without per-item results no rank is judged on items that had no part in its choice."]
    if not beats(judged).any():
        return _use_none(tables, average)
    found = _one_for_all(tables)
    for name in SKILLS:
        rows = skills[skills["name"] == name]
        if len(rows):
            found.append(_for_skill(name, rows, _called(tables, name)))
    if not beats(average).all():
        without = average[~beats(average)]
        found.append(
            f"On the average no rank of {listing(without['expert'])} beats the public model: as far as the average "
            "goes, leave them out." if len(without) > 1 else
            f"On the average no rank of {without['expert'].iloc[0]} beats the public model: as far as the average "
            "goes, leave it out."
        )  # fmt: skip
    return found


def _use_none(tables: Tables, average: pd.DataFrame) -> list[str]:
    """Say that no expert is of use at any rank, what each costs, and whether a joint mixture is."""
    whole = full(tables["gains"].query("kind == 'pair' and scope == 'average'")).set_index("experts")["gain"]
    each = [
        f"{row['expert']} {gain(row, 'over_public', 'over_public_low', 'over_public_high')} at rank {row['rank']}"
        + (f", {points(whole[row['expert']])} in full" if row["expert"] in whole.index else "")
        for _, row in average.iterrows()
    ]
    costs = (
        "What each costs (its average less public's, in points), at the chosen rank on held-out items, and in full: "
        f"{'; '.join(each)}."
    )
    better, joint = better_than_public(tables), tables["contrasts"]
    if better:
        first = "**Use no expert alone.** No rank of any expert beats the public model on items that did not choose it."
        return [f"{first} Joint mixtures of selected ranks do: {listing(f'`{name}`' for name in better)}.", costs]
    if joint.empty:
        said = "No rank of any expert beats the public model on items that did not choose it."
        return [f"**Use none of them.** {said}", costs]
    over = joint[joint["against"] == PUBLIC]
    low, high = points(over["difference"].min()), points(over["difference"].max())
    said = "No mixture beats the public model: no rank of any expert, and no joint mixture of selected ranks"
    return [f"**Use none of them.** {said} ({low} to {high} points).", costs]


def _one_for_all(tables: Tables) -> list[str]:
    """Say where the optima over all experts lie, so which rank to use where one is to serve all."""
    rows = tables["optima"]
    rows = rows[(rows["expert"] == ALL) & (rows["scope"] == "skill") & (rows["optimum"] == OPTIMUM)]
    if rows.empty:
        return []
    use = listing(f"rank {row['rank']} for {row['name']}" for _, row in rows.iterrows())
    sure = listing(
        f"{row['name']}'s optimum lies between {span(row['rank_low'], row['rank_high']).replace(' to ', ' and ')}"
        for _, row in rows.iterrows()
    )
    return [
        f"**Use {use}**, where one rank is to serve all experts: {sure}. Scores fall from there to the smallest and to "
        "the largest rank; ranks within these ends cannot be told apart."
    ]


def _called(tables: Tables, name: str) -> set[str]:
    """Return the experts of which an optimum is called on a skill."""
    rows = tables["optima"]
    return set(rows.loc[(rows["name"] == name) & (rows["optimum"] == OPTIMUM), "expert"]) - {ALL}


def _for_skill(name: str, rows: pd.DataFrame, optima: set[str]) -> str:
    """Say which rank of which expert to use for a skill.

    Args:
        name: of the skill.
        rows: what was chosen on it, of each expert.
        optima: the experts of which an optimum is called on it.
    """
    good, bad = rows[beats(rows)], rows[~beats(rows)]
    if good.empty:
        return f"For {name} no rank of any expert beats the public model: there is nothing to recover."
    above = good[good["verdict"] == BOTH]
    each = "; ".join(
        f"{row['expert']} at rank {row['rank']}: {gain(row, 'over_public', 'over_public_low', 'over_public_high')}"
        for _, row in good.iterrows()
    )
    text = f"For {name} use {each} (points over public, on items that had no part in the choice)."
    if len(above):
        text += f" {_better_than_full(above, len(good))}"
    if not optima & set(good["expert"]):
        text += f" No one of these ranks is called an optimum, so others may do as well.{_enough(good)}"
    if len(bad):
        text += f" Nothing is to be recovered for certain from {listing(bad['expert'])}: no rank beats public."
    return text


def _enough(good: pd.DataFrame) -> str:
    """Say which smaller ranks keep their share of full's gain, where full gains and nothing beats it."""
    rows = good[good["r95"] != ""]
    if rows.empty or (good["verdict"] == BOTH).any():
        return ""
    each = ", ".join(f"{row['expert']} {row['r95']}" for _, row in rows.iterrows())
    return f" No rank beats the full expert; the smallest that keep their share of its gain (r95): {each}."


def _better_than_full(above: pd.DataFrame, of: int) -> str:
    """Say of which experts the chosen rank beats full."""
    each = ", ".join(f"{row['expert']} {points(row['over_full'])}" for _, row in above.iterrows())
    return f"The chosen rank beats the full expert as well in {len(above)} of {of}: {each} points."


def say_other_tasks(tables: Tables) -> list[str]:
    """Say whether the chosen ranks' gains would hold for other tasks of the same kind."""
    rows = own(chosen_on(tables, "average"))
    rows = rows[beats(rows) & rows["tasks_public_low"].notna()]
    if rows.empty:
        return []
    holds = rows["tasks_public_low"] > 0
    text = (
        "Chosen on half of the tasks and judged on the others, the gain over public on the average holds for "
        f"{int(holds.sum())} of {plural(len(rows), 'expert')} that beat public there"
    )
    less = rows[~holds]
    but = f"; for {listing(less['expert'])} other tasks of the same kind may say otherwise" if len(less) else ""
    return [f"{text}{but}."]


def say_optima(tables: Tables) -> list[str]:
    """Say where an optimum is called, after the correction over all that were looked at."""
    rows = tables["optima"]
    if rows.empty:
        return []
    called = rows[rows["optimum"] == OPTIMUM]
    if called.empty:
        why = rows["reason"].value_counts()
        each = listing(f"in {times} {reason}" for reason, times in why.items())
        return [f"No rank is called an optimum, in any of {len(rows)} cases: {each}."]
    over_all = called[(called["expert"] == ALL) & called["scope"].isin(["average", "skill"])]
    named = over_all if len(over_all) else called.head(NAMED)
    more = f", and {len(called) - len(named)} more in `tables/optima.csv`" if len(called) > len(named) else ""
    return [
        f"An optimum is called in {len(called)} of {len(rows)} cases: {listing(_places(named))}{more}. Scores rise to "
        "it, fall from it and lie above public, on items that had no part in finding it; corrected for all cases."
    ]


def _places(rows: pd.DataFrame) -> Sequence[str]:
    """Return where optima lie."""
    return [
        f"{'all experts' if row['expert'] == ALL else row['expert']} on {row['name']} at rank {row['rank']} "
        f"({span(row['rank_low'], row['rank_high'])})"
        for _, row in rows.iterrows()
    ]
