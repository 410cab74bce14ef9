"""Sentences on the planned contrasts of joint mixtures: selected ranks against public and against full."""

import pandas as pd

from flexmore.analysis.findings.comparisons import HIGHER, LOWER, UNCLEAR
from flexmore.analysis.findings.contrasts import FULL, PUBLIC
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import listing, plural, points, score

_SAID = {HIGHER: "higher", LOWER: "lower", UNCLEAR: "not told apart"}


def say_contrasts(tables: Tables) -> list[str]:
    """Say how the joint mixtures of selected ranks do against public and against full experts."""
    table = tables["contrasts"]
    found = [
        _against(table[table["against"] == against], said)
        for against, said in ((PUBLIC, "the public model"), (FULL, "all experts in full"))
    ]
    flattered = table["flattered"].dropna()
    if len(flattered):
        found.append(
            "The ranks were selected on these same items; in pairs that flatters by "
            f"{score(flattered.mean(), 2)} points on the mean."
        )
    return [text for text in found if text]


def better_than_public(tables: Tables) -> list[str]:
    """Return the joint mixtures of selected ranks that are higher than public."""
    rows = tables["contrasts"]
    return list(rows.loc[(rows["against"] == PUBLIC) & (rows["verdict"] == HIGHER), "mixture"])


def _against(rows: pd.DataFrame, other: str) -> str:
    """Say how many contrasts with one other mixture are called, which way, and how far apart the mixtures are."""
    if rows.empty:
        return ""
    low, high = points(rows["difference"].min()), points(rows["difference"].max())
    counts = [
        f"{word} in {int((rows['verdict'] == verdict).sum())}"
        for verdict, word in _SAID.items()
        if (rows["verdict"] == verdict).any()
    ]
    apart = f"differences {low} to {high} points" if low != high else f"a difference of {low} points"
    text = (
        f"Joint mixtures of selected ranks against {other}: {listing(counts)} of "
        f"{plural(len(rows), 'planned contrast')} ({apart}; Holm's correction over all planned contrasts)."
    )
    untold = rows.loc[rows["verdict"] == UNCLEAR, "detectable"].dropna()
    return f"{text} A difference of {score(untold.median())} points would have been told." if len(untold) else text
