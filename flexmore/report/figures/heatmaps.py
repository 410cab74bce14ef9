"""Figures of the gain over public as a map, experts x ranks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.gains import HARMS, UNCLEAR
from flexmore.report.figures.style import COLUMN, GREY, PAGE, POINTS, canvas, legend, notice
from flexmore.report.figures.unread import LABEL, Ringed

_MAP = "PuOr_r"
"""Purple to orange, white at zero: distinct to colour-blind readers."""


def gain_table(gains: pd.DataFrame, scope: str, name: str, value: str = "gain") -> pd.DataFrame:
    """Return gains in points (or another column as it is), experts x (distinct ranks of the ladder, then `full`)."""
    rows = gains[(gains["kind"] == "pair") & (gains["scope"] == scope) & (gains["name"] == name)]
    table = numbered(rows, kinds=("pair",)).pivot(index="experts", columns="effective_rank", values=value)
    table.columns = [str(rank) for rank in table.columns]
    whole = full(rows).set_index("experts")[value]
    if len(whole):
        table = table.reindex(table.index.union(whole.index)).assign(full=whole)
    table = table.sort_index()
    return POINTS * table if value == "gain" else table


def heatmap(gains: pd.DataFrame, ringed: Ringed = frozenset()) -> Figure:
    """Draw the gain on the average, experts x ranks, with the numbers.

    A number is grey and in brackets where the interval holds zero.

    Args:
        gains: as `gains.gains` returns them.
        ringed: as `often_unread` returns it.
    """
    table = gain_table(gains, "average", "average")
    if table.empty:
        return notice("heat map: no pairs were evaluated")
    figure = canvas(max(COLUMN, 1.6 + 0.42 * table.shape[1]), max(0.9 + 0.3 * len(table), 2.0))
    panel = figure.add_subplot()
    bound = _bound([table])
    image = _map(panel, table, bound)
    verdicts = gain_table(gains, "average", "average", "verdict").to_numpy()
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if not np.isnan(value):
            unclear = verdicts[row, column] == UNCLEAR
            colour = "white" if abs(value) > 0.65 * bound else GREY if unclear else "black"
            text = f"({_signed(value)})" if unclear else _signed(value)
            panel.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    _corners(panel, gain_table(gains, "average", "average", "mixture"), "average/average", ringed)
    panel.set_xlabel("rank")
    legend(figure, [panel])
    figure.colorbar(image, ax=panel, label="gain in average (points)", pad=0.02)
    return figure


def heatmap_groups(gains: pd.DataFrame, ringed: Ringed = frozenset()) -> Figure:
    """Draw the gain on each group, experts x ranks, with one colour scale.

    A dot: the interval holds zero; a dash: it is below zero.

    Args:
        gains: as `gains.gains` returns them.
        ringed: as `often_unread` returns it.
    """
    rows = gains[(gains["kind"] == "pair") & (gains["scope"] == "group")]
    if rows.empty:
        return notice("heat map: no pairs were evaluated")
    tables = {str(name): gain_table(gains, "group", str(name)) for name in rows["name"].unique()}
    columns = min(len(tables), 3)
    lines = -(-len(tables) // columns)
    height = max(0.7 + 0.2 * len(next(iter(tables.values()))), 1.7 if lines == 1 else 1.2)
    figure = canvas(PAGE * max(columns, 1.7) / 3, height * lines)
    grid = np.ravel(figure.subplots(lines, columns, sharex=True, sharey=True))
    bound = _bound(list(tables.values()))
    for panel, (name, table) in zip(grid, tables.items(), strict=False):
        image = _map(panel, table, bound)
        verdicts = gain_table(gains, "group", name, "verdict").to_numpy()
        for verdict, marker, size in ((UNCLEAR, ".", 1.5), (HARMS, "_", 4)):
            rows_, columns_ = np.nonzero(verdicts == verdict)
            panel.plot(columns_, rows_, marker=marker, color=GREY, markersize=size, linestyle="")
        _corners(panel, gain_table(gains, "group", name, "mixture"), f"group/{name}", ringed)
        panel.set_title(name)
    for panel in grid[len(tables) - columns : len(tables)]:
        panel.set_xlabel("rank")
        panel.tick_params(labelbottom=True)
    for empty in grid[len(tables) :]:
        empty.remove()
    legend(figure, list(grid[: len(tables)]))
    figure.colorbar(image, ax=list(grid[: len(tables)]), label="gain (points)", pad=0.02)
    return figure


def _corners(panel: Axes, mixtures: pd.DataFrame, scope: str, ringed: Ringed) -> None:
    """Draw a ring in the corner of each cell whose mixture is ringed on a scope.

    Args:
        mixtures: their names, experts x ranks.
    """
    places = [
        (column + 0.33, row - 0.3)
        for (row, column), name in np.ndenumerate(mixtures.to_numpy())
        if (str(name), scope) in ringed
    ]
    if places:
        x, y = zip(*places, strict=True)
        panel.plot(
            x, y, marker="o", linestyle="", markersize=3, markerfacecolor="white", markeredgecolor="black",
            markeredgewidth=0.7, label=LABEL,
        )  # fmt: skip


def _signed(value: float) -> str:
    # + 0.0 makes a rounded -0.0 a zero without a sign
    """Return a number with its sign."""
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "\N{MINUS SIGN}")


def _bound(tables: list[pd.DataFrame]) -> float:
    """Return the largest absolute value of all tables, 1 where there is none."""
    return (
        max(
            (float(np.nanmax(np.abs(table.to_numpy()))) for table in tables if table.notna().any(axis=None)),
            default=0.0,
        )
        or 1.0
    )


def _map(panel: Axes, table: pd.DataFrame, bound: float) -> AxesImage:
    """Draw one table as colours."""
    image = panel.imshow(table.to_numpy(), cmap=_MAP, vmin=-bound, vmax=bound, aspect="auto")
    labels = list(table.columns)
    crowded = len(labels) > 10
    panel.set_xticks(range(len(labels)), labels, rotation=90 if crowded else 0)
    panel.set_yticks(range(len(table)), list(table.index))
    panel.grid(visible=False)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    return image
