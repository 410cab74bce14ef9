"""The figure of the paper's reading shows the fit that the tables hold, over the points that it was fitted to."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from flexmore.report.figures.regression import regression
from flexmore.report.figures.style import undrawn


def _lines(panel: Axes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        str(line.get_label()): (np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        for line in panel.get_lines()
    }


def test_the_curve_is_the_fit_and_points_lie_about_it(tables: dict[str, pd.DataFrame]) -> None:
    figure = regression(tables["gains"], tables["regression"], tables["regression_fits"])
    reasoning, knowledge = figure.axes
    assert reasoning.get_title().startswith("reasoning: ")
    assert knowledge.get_title().startswith("knowledge: ")
    terms = tables["regression"].query("response == 'reasoning'").set_index("term")["coefficient"]
    level = terms[[term for term in terms.index if term.startswith("expert")]].mean()
    lines = _lines(reasoning)
    x, y = lines["quadratic"]
    assert y == pytest.approx(100 * (level + terms["log2_rank"] * x + terms["log2_rank^2"] * x**2))
    residuals = []
    for expert in ("math", "news", "pes2o"):
        places, values = lines[expert]
        assert len(values) == 7
        assert np.abs(places - np.round(places)).max() < 0.1
        residuals.append(values - np.interp(np.round(places), x, y))
    # least squares with an effect for each expert: every expert's residuals sum to zero
    assert np.mean(residuals, axis=1) == pytest.approx(np.zeros(3), abs=0.05)


def test_a_vertex_within_the_ranks_is_marked(tables: dict[str, pd.DataFrame]) -> None:
    fits = tables["regression_fits"].assign(
        note="", vertex_log2=3.0, vertex_rank=8.0, vertex_low=2.0, vertex_high=np.inf
    )
    panel = regression(tables["gains"], tables["regression"], fits).axes[0]
    assert panel.get_title() == "reasoning: vertex at rank 8"
    assert set(_lines(panel)["vertex"][0]) == {3.0}
    [band] = panel.patches
    low, high = band.get_x(), band.get_x() + band.get_width()  # type: ignore[attr-defined]
    assert (low, high) == pytest.approx((2.0, panel.get_xlim()[1]), abs=0.6)
    outside = regression(tables["gains"], tables["regression"], fits.assign(note="its maximum lies outside"))
    assert outside.axes[0].get_title() == "reasoning: its maximum lies outside"
    assert not outside.axes[0].patches


def test_groups_stand_in_for_skills_that_a_suite_lacks(tables: dict[str, pd.DataFrame]) -> None:
    gains = tables["gains"][tables["gains"]["scope"] != "skill"]
    figure = regression(gains, tables["regression"], tables["regression_fits"])
    assert [panel.get_title().split(":")[0] for panel in figure.axes] == list(
        gains.loc[gains["scope"] == "group", "name"].unique()
    )
    assert "too few ranks" in undrawn(regression(gains, tables["regression"].head(0), tables["regression_fits"]))
