"""The mark of scores of which many answers could not be read: a ring around them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from flexmore.report.figures.style import POINTS

OFTEN = 0.2
"""Where more than this share of the answers of a score is unread, it is ringed."""
LABEL = "more than a fifth of the answers unread"
Ringed = frozenset[tuple[str, str]]
"""Mixture and scope (`average/average`, `group/BBH`, `domain/math`)."""


def often_unread(scores: pd.DataFrame) -> Ringed:
    """Find the mixtures and scopes of which more than `OFTEN` of the answers are unread; none where it is unknown.

    Args:
        scores: the tidy table.
    """
    if "unread" not in scores.columns:
        return frozenset()
    rows = scores[scores["unread"].notna()]
    found: set[tuple[str, str]] = set()
    for scope, names in (("average", "average"), ("group", rows["group"]), ("domain", rows["domain"])):
        counted = rows.assign(name=names)[["mixture", "name", "unread", "n"]].astype({"unread": "float64"})
        counts = counted[counted["name"] != ""].groupby(["mixture", "name"])[["unread", "n"]].sum()
        often = counts.index[counts["unread"] > OFTEN * counts["n"]]
        found |= {(str(mixture), f"{scope}/{name}") for mixture, name in often}
    return frozenset(found)


def ring(panel: Axes, places: Iterable[float], rows: pd.DataFrame, ringed: Ringed, value: str = "score") -> None:
    """Draw rings around the scores (or gains) that are `ringed`.

    Args:
        places: x of each row.
        rows: with the columns mixture, scope, name, and `value` as a share of one.
    """
    keys = zip(rows["mixture"], rows["scope"] + "/" + rows["name"], strict=True)
    chosen = np.array([key in ringed for key in keys], dtype=bool)
    if chosen.any():
        x = np.asarray(list(places), dtype=np.float64)[chosen]
        panel.plot(
            x, POINTS * rows[value].to_numpy()[chosen], marker="o", linestyle="", markersize=9,
            markerfacecolor="none", markeredgecolor="black", markeredgewidth=0.7, label=LABEL, zorder=6,
        )  # fmt: skip
