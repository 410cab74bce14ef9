"""Sentences on whether reasoning wants a higher rank than knowledge."""

import pandas as pd

from flexmore.analysis.findings.best_ranks.optima import LARGEST
from flexmore.analysis.findings.best_ranks.skill_ranks import HIGHER, LOWER, UNTOLD
from flexmore.analysis.tables.catalogue import ALL
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import gain, listing, plural, score


def say_skill_ranks(tables: Tables) -> list[str]:
    """Say what the test of reasoning's rank against knowledge's calls, over all experts and for each."""
    table = tables["skill_ranks"]
    last = _both_at_the_end(tables["optima"])
    found = [last or _over_all(row) for _, row in table[table["expert"] == ALL].iterrows()]
    each = table[table["expert"] != ALL]
    if len(each):
        calls = []
        for call in (HIGHER, LOWER, UNTOLD):
            own = each[each["call"] == call]
            named = f" ({listing(own['expert'])})" if call != UNTOLD else ""
            calls += [f"{call} in {len(own)}{named}"] if len(own) else []
        found.append(f"Of {plural(len(each), 'expert')}, each for itself, reasoning's rank is {listing(calls)}.")
    return found


def _both_at_the_end(optima: pd.DataFrame) -> str:
    """Say that best ranks cannot be compared where both skills do best at the largest rank; empty where they don't."""
    rows = optima[(optima["expert"] == ALL) & (optima["scope"] == "skill")]
    if rows.empty or not (rows["reason"] == LARGEST).all():
        return ""
    return (
        f"Whether reasoning wants a higher rank than knowledge cannot be told: over all experts both do best at the "
        f"largest rank, {rows['rank'].iloc[0]}."
    )


def _over_all(row: pd.Series) -> str:
    """Say what is called over all experts, by how much, and what could have been told."""
    if row["reasoning_rank"] == row["knowledge_rank"]:
        return (
            f"Reasoning and knowledge both do best at rank {row['reasoning_rank']}, over all experts: neither wants a "
            f"higher rank than the other, as far as can be told.{_plateau(row)}"
        )
    ranks = f"rank {row['reasoning_rank']} for reasoning, rank {row['knowledge_rank']} for knowledge"
    terms = (
        f"at its own rank rather than at the other's, reasoning scores "
        f"{gain(row, 'reasoning_term', 'reasoning_low', 'reasoning_high', 2)} points and knowledge "
        f"{gain(row, 'knowledge_term', 'knowledge_low', 'knowledge_high', 2)}"
    )
    if row["call"] == UNTOLD:
        could = (
            f" A difference of {score(row['detectable'])} points would have been told."
            if pd.notna(row["detectable"])
            else ""
        )
        text = (
            f"Whether reasoning wants a higher rank than knowledge cannot be told: chosen were {ranks}; {terms}.{could}"
        )
    else:
        text = (
            f"**Reasoning wants a {row['call']} rank than knowledge**: {ranks}. On items that did not choose, {terms}."
        )
    text += _plateau(row)
    if row["tasks_call"]:
        text += f" For other tasks of the same kind: {row['tasks_call']}."
    return text


def _plateau(row: pd.Series) -> str:
    """Say which skill's best rank is followed by no fall, so that it is no peak."""
    if not row["plateau"]:
        return ""
    return f" After the best rank for {row['plateau']} no fall is seen: its place is on a plateau and no peak."
