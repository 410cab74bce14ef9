"""Figures of places on the rank axis, with their intervals: r95, and the rank with the highest score."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.findings.recovery import NO_GAIN, R95_SCOPES
from flexmore.report.figures.style import GREY, PAGE, Look, RankAxis, canvas, legend, looks, notice

_HIGH, _LOW = (9, 3.0), (5, 1.0)
"""Of a thick and of a thin interval: the height of the strokes at its ends, and its width, in points."""
Draw = Callable[[Axes, RankAxis, int, pd.Series, Look], None]
"""Draws the place of one expert into a panel, at a row."""


def r95(table: pd.DataFrame, ranks: list[int]) -> Figure:
    """Draw r95 by expert, a panel for its own domain, the average and each skill; where there is none, say so.

    Args:
        table: as `recovery.recover` returns it.
        ranks: the distinct ranks measured.
    """
    rows = table[table["scope"].isin(R95_SCOPES)]
    rows = rows.assign(title=rows["name"].where(rows["scope"] != "domain", "its own domain"))
    if rows.empty or not ranks:
        return notice("r95: no pairs were evaluated")
    if (rows["r95"] == "").all():
        return notice("r95: there is none, since no full expert gains over public")
    rows = rows.sort_values("scope", key=lambda scopes: scopes.map(R95_SCOPES.index), kind="stable")
    return _panels(rows, RankAxis(ranks), columns=2, draw=_r95)


def best_ranks(table: pd.DataFrame, ranks: list[int]) -> Figure:
    """Draw the rank with the highest score by expert, a panel for each group.

    Args:
        table: as `summaries.best_ranks` returns it.
        ranks: the distinct ranks measured.
    """
    rows = table[(table["scope"] == "group") & (table["best_rank"] != "")]
    if rows.empty or not ranks:
        return notice("best ranks: no pairs at numbered ranks were evaluated")
    return _panels(rows.assign(title=rows["name"]), RankAxis(ranks, []), columns=3, draw=_best)


def _panels(rows: pd.DataFrame, axis: RankAxis, columns: int, draw: Draw) -> Figure:
    """Draw a panel for each title, with a line for each expert.

    Args:
        rows: with the columns title and expert.
        columns: the most panels in a row.
    """
    titles = list(rows["title"].unique())
    experts, look = sorted(rows["expert"].unique()), looks(rows["expert"])
    columns = min(len(titles), columns)
    lines = -(-len(titles) // columns)
    figure = canvas(PAGE * (1 if columns > 1 else 0.6), lines * (0.75 + 0.17 * len(experts)) + 0.3)
    panels = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for i, (panel, title) in enumerate(zip(panels, titles, strict=False)):
        own = rows[rows["title"] == title].set_index("expert")
        for place, expert in enumerate(experts):
            if expert in own.index:
                draw(panel, axis, place, own.loc[expert], look[expert])
        lowest = i + columns >= len(titles)
        axis.set_up(panel, title=lowest)
        panel.tick_params(labelbottom=lowest)
        panel.grid(visible=True, axis="x")
        panel.set_title(title)
        panel.set_yticks(range(len(experts)), experts)
        panel.set_ylim(len(experts) - 0.4, -0.6)
    for empty in panels[len(titles) :]:
        empty.remove()
    legend(figure, panels[: len(titles)])
    return figure


def _r95(panel: Axes, axis: RankAxis, place: int, row: pd.Series, look: Look) -> None:
    """Draw r95 of one expert and its two intervals."""
    if not row["r95"]:
        panel.text(
            axis.at(axis.ranks[0]), place, "full does not gain" if row["r95_reason"] == NO_GAIN else "not defined",
            fontsize=6.5, color=GREY, va="center", style="italic",
        )  # fmt: skip
        return
    _interval(panel, axis, place, [row["r95_low"], row["r95_high"]], _HIGH, "over items")
    # below the other, so that neither hides the other
    _interval(panel, axis, place + 0.34, [row["r95_tasks_low"], row["r95_tasks_high"]], _LOW, "over tasks")
    panel.plot([_at(axis, row["r95"])], [place], marker=look.marker, color=look.colour, markersize=4.5, zorder=5)


def _best(panel: Axes, axis: RankAxis, place: int, row: pd.Series, look: Look) -> None:
    """Draw the best rank of one expert and the interval of its place; hollow where it does not beat public."""
    _interval(panel, axis, place, [row["rank_low"], row["rank_high"]], _HIGH, "interval of its place")
    clear = bool(row["best_low"] > 0)
    panel.plot(
        [_at(axis, row["best_rank"])], [place], marker=look.marker, color=look.colour, markersize=4.5, zorder=5,
        markerfacecolor=look.colour if clear else "white",
    )  # fmt: skip


def _interval(
    panel: Axes, axis: RankAxis, height: float, ranks: Sequence[str], size: tuple[int, float], label: str
) -> None:
    """Draw an interval from one rank to another: where both are one rank, the stroke across is all that there is."""
    if not all(ranks):
        return
    ends = [_at(axis, rank) for rank in ranks]
    stroke, width = size
    heights = np.full(2, height)
    panel.plot(ends, heights, color=GREY, linewidth=width, label=label, solid_capstyle="butt")
    panel.plot(ends, heights, color=GREY, linestyle="", marker="|", markersize=stroke, markeredgewidth=1.2)


def _at(axis: RankAxis, rank: str) -> float:
    """Return the place of a rank or a label."""
    return axis.at(int(rank) if rank.isdigit() else rank)
