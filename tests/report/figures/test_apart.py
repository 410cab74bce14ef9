"""Lines that lie on each other are all seen, or said to coincide."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from flexmore.analysis.inputs import Inputs
from flexmore.report.figures import mixtures, spectra
from flexmore.report.figures.apart import aside, coinciding, label_ends, nested, say_coinciding
from flexmore.report.figures.style import legend


def test_curves_that_coincide_are_named_and_others_are_not() -> None:
    one = np.array([0.1, 0.5, 0.8])
    curves = {"2": one, "4": one + 0.003, "7": one - 0.002, "9": one + np.array([0, 0, 0.2])}
    [(names, most)] = coinciding(curves)
    assert names == ["2", "4", "7"]
    assert most == pytest.approx(0.005)
    assert say_coinciding(curves, "active") == "2, 4 and 7 active differ by at most 0.5 points"
    assert say_coinciding({"2": one, "4": one}, "active") == "2 and 4 active do not differ"
    assert say_coinciding({"2": one, "4": one + 0.2}, "active") == ""


def test_a_chain_of_near_curves_is_no_group_of_its_ends() -> None:
    level = np.zeros(4)
    groups = coinciding({"low": level, "middle": level + 0.008, "high": level + 0.016})
    assert [names for names, _ in groups] == [["low", "middle"]]
    assert coinciding({"known": level, "unknown": np.full(4, np.nan)})[0][1] == 0


def test_marks_side_by_side_and_lines_of_unequal_widths() -> None:
    places = [aside(i, 3, 0.17) for i in range(3)]
    assert np.diff(places) == pytest.approx([0.17, 0.17])
    assert sum(places) == pytest.approx(0)
    widths = [nested(i, 3) for i in range(3)]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 3


def test_names_beside_a_panel_do_not_lie_on_each_other() -> None:
    panel = Figure().add_subplot()
    panel.set_ylim(0, 10)
    ends = [("a", 1.0, 5.0, "red"), ("b", 1.0, 5.0, "blue"), ("c", 1.0, 5.1, "green"), ("d", 1.0, 9.0, "black")]
    label_ends(panel, ends, gap=0.1)
    heights = {text.get_text(): text.get_position()[1] for text in panel.texts}
    assert [heights[name] for name in "abc"] == pytest.approx([0.4033, 0.5033, 0.6033], abs=1e-3)
    assert heights["d"] == pytest.approx(0.9)


def test_three_equal_joint_lines_are_all_drawn_to_be_seen(tables: dict[str, object]) -> None:
    figure = mixtures.joint_by_rank(tables["joint"], 0.5)  # type: ignore[arg-type]
    [panel] = figure.axes
    assert panel.get_title() == "2 and 4 active do not differ"
    widths = [line.get_linewidth() for line in panel.get_lines() if len(line.get_xdata()) > 3]  # type: ignore[arg-type]
    assert len(set(widths)) > 1
    at_full = {
        round(float(line.get_xdata()[0]), 3)  # type: ignore[index, arg-type]
        for line in panel.get_lines()
        if line.get_markerfacecolor() == "white"
    }
    assert len(at_full) == 2


def test_experts_stand_beside_their_mean(study: Inputs) -> None:
    adapters = study.adapters
    assert adapters is not None
    apart = adapters.assign(error=adapters["error"] + 0.001 * (adapters["expert"] == "news"))
    above, below = spectra.error_by_rank(apart).axes
    assert [line.get_label() for line in above.get_lines()] == ["mean over experts"]
    lines = {line.get_label(): np.asarray(line.get_ydata()) for line in below.get_lines()}
    assert lines["news"] == pytest.approx(np.full(7, 0.001 * 2 / 3))
    assert lines["math"] == pytest.approx(np.full(7, -0.001 / 3))
    assert below.get_title() == "math and pes2o coincide"


@pytest.mark.parametrize("width", [5.0, 7.2])
@pytest.mark.parametrize(
    "names",
    [
        ["a"] * 3,
        ["a much longer name of a line in a figure"] * 8,
        ["word"] * 20,
        ["range over experts", "mean over experts", "code", "creative", "math", "news", "pes2o", "reddit"],
        ["short"] * 6 + ["more than a fifth of the answers unread"],
    ],
)
def test_a_legend_is_no_wider_than_its_figure(names: list[str], width: float) -> None:
    figure = Figure(figsize=(width, 3), layout="constrained")
    panel = figure.add_subplot()
    for i, name in enumerate(names):
        panel.plot([0, 1], label=f"{name} {i}")
    legend(figure, [panel], fontsize=7)
    figure.draw_without_rendering()
    [drawn] = figure.legends
    assert drawn.get_window_extent().width <= figure.bbox.width
