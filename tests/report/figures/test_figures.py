"""What figures show is what the tables hold."""

import pytest
from matplotlib.figure import Figure

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.figures import curves, heatmaps, mixtures
from flexmore.report.figures.style import styled

SETTINGS = AnalysisSettings(bootstrap_samples=200)


def _texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text")))  # type: ignore[attr-defined]


def test_what_is_drawn_is_what_the_tables_hold(study: Inputs) -> None:
    tables = analyze(study, SETTINGS, {})
    with styled():
        figure = curves.score_by_rank(tables["gains"])
        panel = next(axes for axes in figure.axes if axes.get_title().startswith("BBH"))
        lines = {line.get_label(): line for line in panel.get_lines()}
        rows = tables["gains"].query("name == 'BBH' and experts == 'math' and rank == '8'")
        assert lines["math"].get_ydata()[list(lines["math"].get_xdata()).index(3)] == pytest.approx(
            100 * rows["score"].iloc[0]
        )
        # saturated ranks once: 1 2 3 4 6 8 12 16 32 64
        assert len(lines["math"].get_xdata()) == 10
        assert "+" in _texts(heatmaps.heatmap(tables["gains"]))
        joint = mixtures.joint_by_rank(tables["joint"], 0.5)
        ticks = [tick.get_text() for tick in joint.axes[0].get_xticklabels()]
        assert ticks[-3:] == ["full", "best", "best2"]
        assert {"best", "best2", "full"} <= set(_texts(mixtures.parameters(tables["parameters"], 0.5)).split())
        marks = _texts(curves.domain_gain(tables["gains"], tables["r95"]))
        assert "news: r95" in marks
        assert "half at" in marks
