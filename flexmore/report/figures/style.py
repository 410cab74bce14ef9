"""The style of every figure: sizes, colours, rank axes, and files of the same bytes on any day."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.ranks import rank_order
from flexmore.files import atomic_file

COLUMN, PAGE = 3.5, 7.2
"""Widths in inches: one column and two of a two-column page."""
POINTS = 100.0
"""Points in a share of one."""
PUBLIC = "#000000"
GREY = "#6b6b6b"
JOINT = ("#1b1b6b", "#a05195", "#f0718a", "#ffb733", "#2f7f7f")
"""Colours of the joint mixtures, by number of active experts; distinct in lightness."""
_JOINT_MARKERS = ("o", "s", "^", "D", "v")
# Any: matplotlib types the keys as a union of literals
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "savefig.dpi": 200,
    "svg.hashsalt": "flexmore",
    "svg.fonttype": "path",
}
# Okabe and Ito's colours, without their yellow (too faint on white) and black (kept for public).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")
_ROOM = 22
"""Characters that fit under the numbered part of a rank axis in the narrowest panel."""
_LETTER, _HANDLE = 0.061, 7
"""Of a legend: inches that a letter takes, and the letters that a handle with its room takes the place of."""
_DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class Look:
    """Hold how one expert is drawn in every figure."""

    colour: str
    marker: str
    dash: str


COMPARED = (Look("#0072B2", "o", "-"), Look("#D55E00", "s", "-"))
"""Of two things that are compared throughout a figure."""


def looks(experts: Iterable[str]) -> dict[str, Look]:
    """Return a look for each expert, by its place in the alphabet of the family; up to 66 are all different."""
    return {
        name: Look(
            _COLOURS[i % len(_COLOURS)],
            _MARKERS[i % len(_MARKERS)],
            _DASHES[(i // len(_COLOURS)) % len(_DASHES)],
        )
        for i, name in enumerate(sorted(set(experts)))
    }


def joint_look(place: int) -> Look:
    """Return the look of the joint mixtures with the `place`-th number of active experts, from 0."""
    return Look(JOINT[place % len(JOINT)], _JOINT_MARKERS[place % len(_JOINT_MARKERS)], "-")


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save in the project's style, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def canvas(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches, whose parts arrange themselves."""
    return Figure(figsize=(width, height), layout="constrained")


def notice(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw; `undrawn` tells it from others."""
    figure = canvas(PAGE, 1.2)
    figure.set_label(text)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=GREY, wrap=True)
    return figure


def undrawn(figure: Figure) -> str:
    """Return why there is nothing to see in a figure; empty for one that was drawn."""
    return str(figure.get_label())


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `<name>.png` (200 dpi) and `<name>.svg`; the same figure is the same bytes on any day."""
    paths = []
    for suffix, metadata in ((".png", {"Software": None}), (".svg", {"Date": None, "Creator": None})):
        path = folder / f"{name}{suffix}"
        with atomic_file(path) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=metadata)
        paths.append(path)
    return paths


class RankAxis:
    """Hold an axis of ranks: log2 for numbers, then places for labels (full, selections) after a gap.

    Args:
        ranks: effective ranks; the largest ends the numbered part.
        labels: what follows it.
    """

    def __init__(self, ranks: Iterable[int], labels: Iterable[str] = ("full",)) -> None:
        self.ranks = sorted(set(ranks))
        span = self._log2(self.ranks[-1]) - self._log2(self.ranks[0]) if self.ranks else 0.0
        start = self._log2(self.ranks[-1]) + max(1.5, 0.18 * span) if self.ranks else 0.0
        between = max(1.0, 0.12 * span)
        ordered = sorted(set(labels), key=rank_order)
        self.labels = {label: start + between * i for i, label in enumerate(ordered)}

    @staticmethod
    def _log2(rank: int) -> float:
        # a power of two's log2 is exact: ticks and points coincide
        """Return log2 of a rank."""
        return float(rank.bit_length() - 1) if rank & (rank - 1) == 0 else math.log2(rank)

    def at(self, rank: int | str) -> float:
        """Return the place of a rank or a label."""
        return self.labels[rank] if isinstance(rank, str) else self._log2(rank)

    def places(self, ranks: Iterable[int | str]) -> list[float]:
        """Return the places of ranks or labels."""
        return [self.at(rank) for rank in ranks]

    def set_up(self, axes: Axes, *, title: bool = True) -> None:
        """Set ticks, labels and limits of the x axis of `axes`, and draw a line between numbers and labels."""
        powers = [rank for rank in self.ranks if rank & (rank - 1) == 0]
        # counted from the largest, so that the rank at which adapters saturate is always named
        thinned = [powers[::-1][::step][::-1] for step in range(1, len(powers) + 1)]
        fitting = [some for some in thinned if sum(len(str(rank)) + 1 for rank in some) <= _ROOM]
        ticks: list[int | str] = [*(fitting[0] if fitting else powers[-1:]), *self.labels]
        axes.set_xticks(self.places(ticks), [str(tick) for tick in ticks])
        axes.set_xticks(self.places(powers), minor=True)
        if self.labels and self.ranks:
            middle = (self._log2(self.ranks[-1]) + min(self.labels.values())) / 2
            axes.axvline(middle, color="#c4c4c4", linewidth=0.8, zorder=0)
        ends = [*self.places(self.ranks), *self.labels.values()]
        if ends:
            axes.set_xlim(min(ends) - 0.4, max(ends) + 0.5)
        axes.grid(visible=False, axis="x")
        if title:
            axes.set_xlabel("rank")


def legend(figure: Figure, axes: Sequence[Axes], **options: Any) -> None:
    """Draw one legend for all `axes` below the figure, each name once."""
    found: dict[str, Any] = {}
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    columns = options.pop("ncols", _columns([len(name) for name in found], figure.get_figwidth()))
    figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=columns, **options)


def _columns(letters: Sequence[int], width: float) -> int:
    """Return how many columns of a legend, filled one after another, fit into a width in inches.

    Args:
        letters: of each name.
    """
    for columns in range(min(len(letters), 8), 1, -1):
        # as matplotlib deals them: the first columns have one more
        widths = [max(own) + _HANDLE for own in np.array_split(np.array(letters), columns)]
        if _LETTER * sum(widths) <= width:
            return columns
    return 1
