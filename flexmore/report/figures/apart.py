"""What keeps lines and marks that lie on each other apart: places side by side, nested widths, labels and words."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes

from flexmore.analysis.statistics.scopes import Array
from flexmore.report.figures.style import POINTS

CLOSE = 0.01
"""Curves that differ by less than this share at every place are said to coincide."""


def aside(place: int, count: int, step: float) -> float:
    """Return how far the marks of series `place` of `count` are moved, so that all of them stand side by side."""
    return step * (place - (count - 1) / 2)


def nested(place: int, count: int, least: float = 0.9, step: float = 1.5) -> float:
    """Return the width in points of line `place` of `count`: the first is the widest, so that it shows below others."""
    return least + step * (count - 1 - place)


def coinciding(curves: Mapping[str, Array], within: float = CLOSE) -> list[tuple[list[str], float]]:
    """Find the curves that lie on each other.

    Args:
        curves: values of each curve at the same places; a missing value (NaN) keeps nothing apart.
        within: the most that two of a group may differ by at any place.

    Returns:
        Groups of two curves or more, each with the largest difference between any two of it.
    """
    apart = {frozenset(pair): _distance(curves[pair[0]], curves[pair[1]]) for pair in combinations(curves, 2)}
    groups: list[list[str]] = []
    for name in curves:
        for group in groups:
            if all(apart[frozenset((name, other))] < within for other in group):
                group.append(name)
                break
        else:
            groups.append([name])
    return [
        (group, max(apart[frozenset(pair)] for pair in combinations(group, 2))) for group in groups if len(group) > 1
    ]


def _distance(one: Array, other: Array) -> float:
    """Return the largest difference between two curves; 0 where no place has both."""
    return float(np.nanmax(np.abs(one - other), initial=0.0))


def say_coinciding(curves: Mapping[str, Array], what: str) -> str:
    """Return which curves lie on each other, by how many points they differ; empty where all are apart.

    Args:
        curves: values of each curve at the same places, shares of one.
        what: the word after their names.
    """
    said = []
    for names, most in coinciding(curves):
        which = f"{', '.join(names[:-1])} and {names[-1]}"
        differ = f"differ by at most {POINTS * most:.1f} points" if POINTS * most >= 0.05 else "do not differ"
        said.append(f"{which} {what} {differ}")
    return "; ".join(said)


def label_ends(panel: Axes, ends: Sequence[tuple[str, float, float, str]], *, gap: float) -> None:
    """Write the name of each line beside its end, to the right of the panel, none over another.

    The panel's limits must be final.

    Args:
        ends: name, x, y and colour of each line's end.
        gap: the least distance of two names, as a share of the panel's height.
    """
    low, high = panel.get_ylim()
    ordered = sorted(ends, key=lambda end: end[2])
    for (name, x, y, colour), height in zip(
        ordered, _spread([(end[2] - low) / (high - low) for end in ordered], gap), strict=True
    ):
        panel.annotate(
            name, xy=(x, y), xytext=(1.03, height), textcoords="axes fraction", color="black", fontsize=7, va="center",
            annotation_clip=False, arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "shrinkB": 3},
        )  # fmt: skip


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move rising heights apart until neighbours differ by `gap`, about their mean place, none below zero."""
    blocks: list[list[float]] = []  # of each block: its members' own heights
    for height in heights:
        blocks.append([height])
        while len(blocks) > 1 and _ends(blocks[-2], gap)[1] + gap > _ends(blocks[-1], gap)[0]:
            last = blocks.pop()
            blocks[-1].extend(last)
    found = [_ends(block, gap)[0] + gap * i for block in blocks for i in range(len(block))]
    below = max(0.0, -found[0]) if found else 0.0
    return [height + below for height in found]


def _ends(block: Sequence[float], gap: float) -> tuple[float, float]:
    """Return the lowest and highest place of a block of names that stand `gap` apart about their mean height."""
    middle, half = sum(block) / len(block), gap * (len(block) - 1) / 2
    return middle - half, middle + half
