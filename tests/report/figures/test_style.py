"""One look per expert, and the axis of ranks."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from flexmore.report.figures.style import COMPARED, JOINT, RankAxis, joint_look, looks

SEEN = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "all": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
}
"""How linear colours are seen by whom: Machado, Oliveira and Fernandes 2009, severity 1."""
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = XYZ.sum(axis=1)
APART = 12.0
"""The least distance in CIELAB of two colours that are told apart at a glance; 2.3 is just noticeable."""


def test_an_expert_looks_the_same_in_any_order_and_unlike_others() -> None:
    names = [f"expert{i:02d}" for i in range(30)]
    assert looks(names) == looks(reversed(names))
    assert len(set(looks(names).values())) == 30
    six = looks(["code", "creative", "math", "news", "pes2o", "reddit"])
    assert len({look.colour for look in six.values()}) == len({look.marker for look in six.values()}) == 6


def test_the_rank_axis() -> None:
    axis = RankAxis([1, 2, 3, 4, 64], ["best", "full"])
    assert axis.places([1, 2, 4, 64]) == [0, 1, 2, 6]
    assert axis.at(3) == pytest.approx(1.585, abs=1e-3)
    assert 6 < axis.at("full") < axis.at("best")
    figure = Figure()
    panel = figure.add_subplot()
    wide = RankAxis([2**i for i in range(13)])
    wide.set_up(panel)
    labels = [tick.get_text() for tick in panel.get_xticklabels()]
    assert labels == ["1", "8", "64", "512", "4096", "full"]


def lab(colour: str, seen: list[list[float]]) -> np.ndarray:
    """A colour in CIELAB, as somebody sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = XYZ @ np.clip(np.array(seen) @ linear, 0, 1) / WHITE
    f = [np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", SEEN)
def test_colours_are_told_apart_by_those_who_see_few(seen: str) -> None:
    six = [look.colour for look in looks("abcdef").values()]
    for colours in (six, JOINT[:4], [look.colour for look in COMPARED]):
        for one, other in combinations(colours, 2):
            distance = np.linalg.norm(lab(one, SEEN[seen]) - lab(other, SEEN[seen]))
            assert distance > APART, (one, other, distance)


def test_what_shares_a_colour_differs_in_its_mark() -> None:
    assert len({joint_look(i).marker for i in range(5)}) == 5
    assert joint_look(0) == joint_look(5)
