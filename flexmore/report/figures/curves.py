"""Figures of scores and gains against rank, a line for each expert."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.findings.recovery import curve
from flexmore.analysis.ranks import full, numbered
from flexmore.report.figures.style import PAGE, POINTS, PUBLIC, Look, RankAxis, canvas, legend, looks, notice
from flexmore.report.figures.unread import Ringed, ring

_BAND = "#e2e2e2"
"""Colour of the interval of r95; one rank has it as a line, since an interval without length is not seen."""

_FLAT = 0.06
"""An expert within this share of a panel's height from public's line, at every rank, is said to lie on it."""
_ROOM = 38
"""Letters of a line of a panel's title."""


def score_by_rank(gains: pd.DataFrame, ringed: Ringed = frozenset()) -> Figure:
    """Draw the score of the pairs against rank, a panel per group.

    Public is a line, full a separate mark; bands are the intervals of the gains.

    Args:
        gains: as `gains.gains` returns them.
        ringed: as `often_unread` returns it.
    """
    rows = gains[gains["kind"].isin(["pair", "extra"]) & (gains["scope"] == "group")]
    if rows.empty:
        return notice("score by rank: no pairs were evaluated")
    look = looks(rows["experts"])
    groups = list(rows["name"].unique())
    axis = RankAxis(numbered(rows)["effective_rank"], ["full"] if len(full(rows)) else [])
    figure, panels = _panels(len(groups), 2.0)
    for panel, group in zip(panels, groups, strict=True):
        part = rows[rows["name"] == group]
        panel.axhline(POINTS * part["public"].iloc[0], color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1, label="public")
        for expert in look:
            own = part[part["experts"] == expert]
            _line(panel, axis, own, look[expert])
        for some, rank in ((numbered(part), "effective_rank"), (full(part), "rank")):
            ring(panel, axis.places(some[rank]), some, ringed)
        axis.set_up(panel)
        _widen(panel)
        panel.set_title("\n".join(filter(None, [f"{group} ({part['tasks'].iloc[0]} tasks)", _flat(panel, part)])))
        panel.set_ylabel("score (points)")
    legend(figure, panels)
    return figure


def domain_gain(gains: pd.DataFrame, recovery: pd.DataFrame, ringed: Ringed = frozenset()) -> Figure:
    """Draw the gain of each pair on its own domain against rank, with intervals, monotone fit, r95 and half rank.

    Where the suite has no domains, it is the gain on the average.

    Args:
        gains: as `gains.gains` returns them.
        recovery: as `recovery.recover` returns it.
        ringed: as `often_unread` returns it.
    """
    pairs = gains[gains["kind"].isin(["pair", "extra"])]
    rows = pairs[(pairs["scope"] == "domain") & (pairs["name"] == pairs["experts"])]
    if on_average := rows.empty:
        rows = pairs[pairs["scope"] == "average"]
    if rows.empty:
        return notice("gain by rank: no pairs were evaluated")
    look = looks(gains.loc[gains["kind"].isin(["pair", "extra"]), "experts"])
    experts = sorted(rows["experts"].unique())
    axis = RankAxis(numbered(rows)["effective_rank"], ["full"] if len(full(rows)) else [])
    scope = "average" if on_average else "domain"
    found = recovery[recovery["scope"] == scope].set_index("expert")
    figure, panels = _panels(len(experts), 2.0, sharey=True)
    for panel, expert in zip(panels, experts, strict=True):
        points = curve(rows, expert, scope, scope if on_average else expert)
        whole = full(rows[rows["experts"] == expert])
        panel.axhline(0, color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1, label="public")
        _intervals(panel, axis.places(points["effective_rank"]), points, look[expert])
        _intervals(panel, axis.places(whole["rank"]), whole, look[expert], hollow=True)
        for some, rank in ((points, "effective_rank"), (whole, "rank")):
            ring(panel, axis.places(some[rank]), some, ringed, "gain")
        places = axis.places(points["effective_rank"])
        if found.loc[expert, "r95"]:
            panel.plot(places, POINTS * points["fit"], color=look[expert].colour, label="monotone fit")
        else:  # what falls has no monotone fit worth looking at
            panel.plot(places, POINTS * points["gain"], color=look[expert].colour, linewidth=0.7)
        _marks(panel, axis, found.loc[expert], points)
        axis.set_up(panel)
        panel.set_title(_title(expert, found.loc[expert]), color="black")
        panel.set_ylabel("gain in average (points)" if on_average else "gain (points)")
    legend(figure, panels)
    return figure


def _panels(count: int, height: float, *, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """Make `count` panels, up to three in a row; panels of a row that is not full are left out."""
    columns = min(count, 3)
    lines = -(-count // columns)
    figure = canvas(PAGE * max(columns, 1.7) / 3, height * lines + 0.3)
    grid = np.ravel(figure.subplots(lines, columns, sharey=sharey))
    for empty in grid[count:]:
        empty.remove()
    return figure, list(grid[:count])


def _widen(panel: Axes, least: float = 4.0) -> None:
    """Show at least `least` points, so that noise does not fill a panel where nothing happens."""
    low, high = panel.get_ylim()
    if high - low < least:
        panel.set_ylim((low + high - least) / 2, (low + high + least) / 2)


def _flat(panel: Axes, rows: pd.DataFrame) -> str:
    """Say which experts lie on public's line at every rank: their curves hide each other."""
    low, high = panel.get_ylim()
    away = (POINTS * rows["gain"].abs()).groupby(rows["experts"]).max()
    names = list(away.index[away <= _FLAT * (high - low)])
    return fill(f"like public: {', '.join(names)}", _ROOM) if len(names) > 1 else ""


def _line(panel: Axes, axis: RankAxis, rows: pd.DataFrame, look: Look) -> None:
    """Draw the scores of an expert: a curve, the band of its intervals, and full as a hollow mark."""
    points, whole = numbered(rows), full(rows)
    places = axis.places(points["effective_rank"])
    below, above = (points["public"] + points[end] for end in ("low", "high"))
    panel.fill_between(places, POINTS * below, POINTS * above, color=look.colour, alpha=0.12, linewidth=0)
    panel.plot(
        places, POINTS * points["score"], color=look.colour, marker=look.marker, linestyle=look.dash,
        label=rows["experts"].iloc[0],
    )  # fmt: skip
    panel.plot(
        axis.places(whole["rank"]), POINTS * whole["score"],
        color=look.colour, marker=look.marker, linestyle="", markerfacecolor="white", markersize=5,
    )  # fmt: skip


def _intervals(panel: Axes, places: list[float], rows: pd.DataFrame, look: Look, *, hollow: bool = False) -> None:
    """Draw gains with their intervals."""
    gain = rows["gain"].to_numpy()
    below, above = gain - rows["low"].to_numpy(), rows["high"].to_numpy() - gain
    panel.errorbar(
        places, POINTS * gain, yerr=POINTS * np.nan_to_num(np.stack([below, above])),
        color=look.colour, marker=look.marker, linestyle="", elinewidth=0.9, capsize=1.5,
        markerfacecolor="white" if hollow else look.colour, markersize=4,
    )  # fmt: skip


def _marks(panel: Axes, axis: RankAxis, found: pd.Series, points: pd.DataFrame) -> None:
    """Draw r95 as a vertical line in the band of its interval, and half of full's gain as a cross on the fit."""
    if found["r95_low"] and found["r95_high"]:
        low, high = (axis.at(int(end) if end.isdigit() else end) for end in (found["r95_low"], found["r95_high"]))
        if low == high:
            panel.axvline(low, color=_BAND, linewidth=4, label="interval of r95", zorder=0)
        else:
            panel.axvspan(low, high, color=_BAND, linewidth=0, label="interval of r95", zorder=0)
    if str(found["r95"]).isdigit():
        panel.axvline(axis.at(int(found["r95"])), color="black", linewidth=1, linestyle=":", label="r95", zorder=1)
    if not np.isnan(found["half_rank"]):
        panel.plot(
            [np.log2(found["half_rank"])], [POINTS * found["full_gain"] / 2],
            marker="x", markersize=7, markeredgewidth=1.6, color="black", linestyle="",
            label="half of full's gain", zorder=5,
        )  # fmt: skip


def _title(expert: str, found: pd.Series) -> str:
    """Return the title of a panel: the expert, its r95 and half rank."""
    if found["r95_reason"]:
        return f"{expert}: no r95"
    half = "" if np.isnan(found["half_rank"]) else f", half at {found['half_rank']:.1f}"
    return f"{expert}: r95 {found['r95']}{half}"
