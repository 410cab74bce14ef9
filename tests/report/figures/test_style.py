"""One look per expert, and the axis of ranks."""

import pytest
from matplotlib.figure import Figure

from flexmore.report.figures.style import RankAxis, looks


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
