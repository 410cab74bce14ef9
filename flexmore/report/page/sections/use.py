"""The sections on what to use: chosen ranks, optima, reasoning against knowledge, kinds of answers."""

import pandas as pd

from flexmore.analysis.tables.catalogue import ALL
from flexmore.analysis.tables.columns import ANSWERS
from flexmore.report.page.about import About
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import DASH, gain, listing, markdown, number, paragraph, points, score, span
from flexmore.report.page.pictures import Pictures
from flexmore.report.page.sentences import chosen, experts, skill_ranks


def what_to_use(tables: Tables, pictures: Pictures) -> str:
    """Write the rank chosen for every expert and skill, and its gain over public and over full on held-out items."""
    rows = tables["chosen"]
    rows = rows[rows["scope"].isin(["average", "skill"])]
    if rows.empty:
        return ""
    table = markdown(
        ["expert", "on", "rank", "over public", "over full", "other tasks: over public", "r95", "verdict"],
        [
            [
                row["expert"], row["name"], f"{row['rank']} [{row['held_out_ranks']}]",
                gain(row, "over_public", "over_public_low", "over_public_high"),
                gain(row, "over_full", "over_full_low", "over_full_high"),
                gain(row, "tasks_public", "tasks_public_low", "tasks_public_high"), row["r95"] or DASH, row["verdict"],
            ]
            for _, row in rows.iterrows()
        ],
    )  # fmt: skip
    how = (
        "The highest rank of the curve, each score averaged with its neighbours' (1/4, 1/2, 1/4), is chosen on one "
        "half of the items and judged on the other, in both directions and for several ways of dealing the items into "
        "halves; in square brackets stands how often each rank was chosen so. So one lucky rank does not decide, and "
        "the rank may differ from the one with the highest score (`tables/best_ranks.csv`). All questions about one "
        "fact, passage or conversation are dealt together. *Other tasks*: chosen on half of the tasks, judged on the "
        "others. *r95*: the smallest rank that keeps its share of full's "
        "gain, where full gains. *All* judges each expert at the rank that the others choose; its interval holds the "
        "spread between experts, so it says whether another expert would gain. Verdicts are corrected for the ranks "
        "that could have been chosen and the number of experts and skills (Holm), so an interval above zero may not "
        "be enough. More: `tables/chosen.csv`."
    )
    said = paragraph(chosen.say_other_tasks(tables))
    return "\n\n".join(filter(None, [pictures.show("chosen"), said, table, how, _optima(tables)]))


def _optima(tables: Tables) -> str:
    """Write every optimum that is called, and what was found over all experts."""
    rows = tables["optima"]
    over_all = (rows["expert"] == ALL) & rows["scope"].isin(["average", "skill"])
    rows = rows[(rows["optimum"] == chosen.OPTIMUM) | over_all]
    table = markdown(
        ["expert", "on", "rank", "its place", "rise", "fall", "over public", "p, corrected", "an optimum?"],
        [
            [
                row["expert"], row["name"], row["rank"] or DASH, span(row["rank_low"], row["rank_high"]),
                _above(row, "rise"), _above(row, "fall"), _above(row, "gain"), number(row["p_corrected"], 3),
                row["optimum"] if not row["reason"] else f"no: {row['reason']}",
            ]
            for _, row in rows.iterrows()
        ],
    )  # fmt: skip
    if not table:
        return ""
    how = (
        "An optimum needs a rise to it, a fall from it and a score above public, all on items that had no part in "
        "finding it; in brackets stand the lower ends. Calls are corrected for all experts and scopes: "
        "`tables/optima.csv`."
    )
    return f"{how}\n\n{table}"


def _above(row: pd.Series, key: str) -> str:
    """Return a difference with its lower end."""
    return DASH if pd.isna(row[key]) else f"{points(row[key])} ({points(row[f'{key}_low'])})"


def skills(tables: Tables, about: About) -> str:
    """Write whether reasoning wants a higher rank than knowledge, and when the gain of each comes."""
    rows = tables["skill_ranks"]
    table = markdown(
        ["expert", "rank for reasoning", "for knowledge", "reasoning, own rank less the other's",
         "knowledge, own rank less the other's", "could be told", "other tasks", "reasoning's rank is"],
        [
            [
                row["expert"], row["reasoning_rank"] or DASH, row["knowledge_rank"] or DASH,
                gain(row, "reasoning_term", "reasoning_low", "reasoning_high", 2),
                gain(row, "knowledge_term", "knowledge_low", "knowledge_high", 2),
                score(row["detectable"], 2) if row["detectable"] > 0 else DASH, row["tasks_call"] or DASH,
                row["call"],
            ]
            for _, row in rows.iterrows()
        ],
    )  # fmt: skip
    how = (
        "Both ranks are chosen on one half of the items. *Higher* is called only where reasoning's is the higher one "
        "and, on the other half, each skill scores more at its own rank than at the other's; *lower* likewise; "
        "everything else is not told apart. *Could be told*: the difference in points that would have been found."
    )
    arrival = f"When gains come, where both skills gain in full: {' '.join(experts.say_skills(tables, about.settings))}"
    parts = [paragraph(skill_ranks.say_skill_ranks(tables)), table, how if table else "", arrival]
    return "\n\n".join(filter(None, parts))


def answers(tables: Tables) -> str:
    """Write, for every expert, what is known of answers that are chosen beside answers that are written."""
    found, recovered = tables["chosen"], tables["r95"]
    found, recovered = (rows[rows["scope"] == "answer"] for rows in (found, recovered))
    names = [name for name in ANSWERS if name in set(recovered["name"])]
    if len(names) < 2:
        return ""
    lines = []
    for expert in recovered["expert"].unique():
        for name in names:
            here = recovered[(recovered["expert"] == expert) & (recovered["name"] == name)]
            picked = found[(found["expert"] == expert) & (found["name"] == name)]
            lines.append([expert, name, *_recovered(here), *_picked(picked)])
    header = [
        "expert", "answers are", "full's gain", "half of it at rank", "over items", "r95", "chosen rank", "over public",
    ]  # fmt: skip
    text = (
        "Some tasks give the answers to choose from, others want one written. A rank that suffices to prefer the right "
        "answer need not suffice to write it, so both stand beside each other."
    )
    return "\n\n".join([text, *_halves(recovered, names), markdown(header, lines)])


def _recovered(rows: pd.DataFrame) -> list[str]:
    """Return full's gain, the rank of half of it with its interval, and r95."""
    if rows.empty:
        return [DASH] * 4
    row = rows.iloc[0]
    ends = DASH if pd.isna(row["half_low"]) else f"{number(row['half_low'])} to {number(row['half_high'])}"
    return [gain(row, "full_gain", "full_low", "full_high"), number(row["half_rank"]), ends, row["r95"] or "none"]


def _picked(rows: pd.DataFrame) -> list[str]:
    """Return the chosen rank and its gain over public on held-out items."""
    if rows.empty:
        return [DASH] * 2
    row = rows.iloc[0]
    return [str(row["rank"]), gain(row, "over_public", "over_public_low", "over_public_high")]


def _halves(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Say of which experts half of the gain comes at a higher rank when writing than when choosing."""
    wide = rows.pivot(index="expert", columns="name", values="half_rank")
    high, low = (rows.pivot(index="expert", columns="name", values=f"half_{end}") for end in ("high", "low"))
    both = wide.dropna()
    if both.empty:
        return []
    first, second = names
    later = [str(expert) for expert in both.index if low[second][expert] > high[first][expert]]
    earlier = [str(expert) for expert in both.index if high[second][expert] < low[first][expert]]
    said = [
        f"half of the gain comes at a {word} rank when writing for {listing(who)}"
        for word, who in (("higher", later), ("lower", earlier))
        if who
    ]
    text = "; ".join(said) or "no expert's intervals are apart"
    return [f"Of {len(both)} experts that gain in both, {text}."]
