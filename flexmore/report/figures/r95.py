"""The figure of r95 of every expert with both of its intervals."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.findings.recovery import R95_SCOPES
from flexmore.report.figures.style import GREY, PAGE, Look, RankAxis, canvas, legend, looks, notice


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
    titles = list(rows["title"].unique())
    experts, look = sorted(rows["expert"].unique()), looks(rows["expert"])
    axis = RankAxis(ranks)
    columns = min(len(titles), 2)
    lines = -(-len(titles) // columns)
    figure = canvas(PAGE * (1 if columns == 2 else 0.6), lines * (0.75 + 0.17 * len(experts)) + 0.3)
    panels = list(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel())
    for i, (panel, title) in enumerate(zip(panels, titles, strict=False)):
        own = rows[rows["title"] == title].set_index("expert")
        for place, expert in enumerate(experts):
            if expert in own.index:
                _line(panel, axis, place, own.loc[expert], look[expert])
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


def _line(panel: Axes, axis: RankAxis, place: int, row: pd.Series, look: Look) -> None:
    """Draw r95 of one expert and its two intervals."""
    if not row["r95"]:
        panel.text(
            axis.at(axis.ranks[0]), place, "no gain to recover" if "zero" in row["r95_reason"] else "not defined",
            fontsize=6.5, color=GREY, va="center", style="italic",
        )  # fmt: skip
        return
    # one below the other, so that neither hides the other
    for key, below, width, label in (("r95_", 0.0, 3.0, "over items"), ("r95_tasks_", 0.34, 1.0, "over tasks")):
        if row[f"{key}low"] and row[f"{key}high"]:
            ends = [_at(axis, row[f"{key}{end}"]) for end in ("low", "high")]
            panel.plot(ends, [place + below] * 2, color=GREY, linewidth=width, label=label, solid_capstyle="butt")
            # ends are ranks; where they are one rank, the stroke across is all that there is of the interval
            panel.plot(
                ends, [place + below] * 2, color=GREY, linestyle="", marker="|", markersize=9 if width > 1 else 5,
                markeredgewidth=1.2,
            )  # fmt: skip
    panel.plot([_at(axis, row["r95"])], [place], marker=look.marker, color=look.colour, markersize=4.5, zorder=5)


def _at(axis: RankAxis, rank: str) -> float:
    """Return the place of a rank or a label."""
    return axis.at(int(rank) if rank.isdigit() else rank)
