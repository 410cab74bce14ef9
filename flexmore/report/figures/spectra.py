"""Figures of the deltas: their singular values, and the error that a rank leaves.

The curves of the experts of a family nearly coincide, so each figure has the mean over experts above, and below it how
far each expert lies from that mean.
"""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.statistics.scopes import Array
from flexmore.analysis.tables.spectra import normalised
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.report.figures.apart import coinciding
from flexmore.report.figures.style import GREY, PAGE, RankAxis, canvas, legend, looks, notice

_SAME = 1e-4
"""Curves that differ by less than this everywhere are said to coincide."""
_ROOM = 40
"""Letters of a line of a panel's title."""


def spectra(values: pd.DataFrame | None) -> Figure:
    """Draw singular values over the largest, a column per projection: the mean over experts, and each beside it.

    An expert's value is the median over its layers.

    Args:
        values: as `spectra.gather_spectra` returns them.
    """
    if values is None or values.empty:
        return notice("spectra: no factors were made")
    shares = normalised(values)
    figure = canvas(PAGE, 4.0)
    grid = figure.subplots(2, len(PROJECTIONS), sharex=True, sharey="row", squeeze=False)
    for (above, below), projection in zip(grid.T, PROJECTIONS, strict=True):
        part = shares[shares["projection"] == projection]
        wide = part.pivot(index="index", columns="expert", values="median")
        ends = part.groupby("index")
        places = wide.index.to_numpy(dtype=np.float64) + 1
        above.fill_between(
            places, ends["low"].min(), ends["high"].max(), color=GREY, alpha=0.2, linewidth=0,
            label="range over experts and layers",
        )  # fmt: skip
        _beside_mean((above, below), places, wide)
        for panel in (above, below):
            panel.set_xscale("log", base=2)
            panel.xaxis.set_major_formatter("{x:g}")
        above.set_ylim(0, 1.02)
        above.set_title(projection)
        below.set_xlabel("index of the singular value")
    grid[0, 0].set_ylabel("singular value / largest")
    grid[1, 0].set_ylabel("expert less the mean")
    legend(figure, list(grid.ravel()))
    return figure


def error_by_rank(adapters: pd.DataFrame | None) -> Figure:
    """Draw the relative Frobenius error of adapters against rank: the mean over experts, and each expert beside it.

    Args:
        adapters: as `spectra.gather_adapters` returns it.
    """
    rows = None if adapters is None else adapters[adapters["effective_rank"].astype(str).str.isdigit()]
    if rows is None or rows.empty:
        return notice("error by rank: no adapters were measured")
    rows = rows.assign(effective_rank=rows["effective_rank"].astype(int))
    rows = rows.drop_duplicates(["expert", "effective_rank"])
    wide = rows.pivot(index="effective_rank", columns="expert", values="error")
    axis = RankAxis(wide.index, [])
    places = np.asarray(axis.places(wide.index))
    figure = canvas(PAGE * 0.7, 4.0)
    above, below = figure.subplots(2, 1, sharex=True)
    above.fill_between(
        places, wide.min(axis=1), wide.max(axis=1), color=GREY, alpha=0.25, linewidth=0, label="range over experts"
    )
    _beside_mean((above, below), places, wide)
    axis.set_up(above, title=False)
    axis.set_up(below)
    above.set_ylim(bottom=0)
    above.set_ylabel("relative error of\nthe delta (Frobenius)")
    below.set_ylabel("expert less the mean")
    legend(figure, [above, below])
    return figure


def _beside_mean(panels: Sequence[Axes], places: Array, wide: pd.DataFrame) -> None:
    """Draw the mean over experts into the first panel, and each expert less that mean into the second.

    Args:
        places: of the rows on the x axis.
        wide: rows by expert.
    """
    above, below = panels
    mean = wide.mean(axis=1)
    above.plot(places, mean, color="black", linewidth=1.2, label="mean over experts")
    below.axhline(0, color="black", linewidth=1.2)
    marked = np.flatnonzero([float(np.log2(place)).is_integer() for place in places]) if len(places) > 32 else None
    apart = {str(expert): wide[expert].to_numpy(dtype=np.float64) for expert in wide}
    same = [f"{', '.join(names[:-1])} and {names[-1]} coincide" for names, _ in coinciding(apart, _SAME)]
    below.set_title(fill("; ".join(same), _ROOM))
    for expert, look in looks(wide.columns).items():
        below.plot(
            places, (wide[expert] - mean).to_numpy(), color=look.colour, marker=look.marker, linestyle=look.dash,
            linewidth=1.0, markersize=3.5, markevery=None if marked is None else marked.tolist(), label=expert,
        )  # fmt: skip
