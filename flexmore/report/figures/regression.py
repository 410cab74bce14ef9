"""The figure of the paper's reading: a quadratic in log2 rank for each skill, and the points that it was fitted to."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.findings.skills import SKILLS
from flexmore.analysis.ranks import numbered
from flexmore.report.figures.apart import aside
from flexmore.report.figures.style import GREY, PAGE, POINTS, RankAxis, canvas, legend, looks, notice

_ASIDE = 0.07
"""Between the points of two experts at one rank, in doublings."""


def regression(gains: pd.DataFrame, coefficients: pd.DataFrame, fits: pd.DataFrame) -> Figure:
    """Draw the quadratic of each skill (of each group where there are no skills) over the pairs' scores.

    An expert's points are moved by its own effect, as the fit sees them, so that one curve is for all.

    Args:
        gains: as `gains.gains` returns them.
        coefficients: as `regression.regress` returns them.
        fits: likewise.
    """
    points = numbered(gains[gains["scope"].isin(["skill", "group"])], kinds=("pair",))
    for scope in ("skill", "group"):
        names = [str(name) for name in gains.loc[gains["scope"] == scope, "name"].unique()]
        names = [name for name in dict.fromkeys((*SKILLS, *names)) if name in names]
        fitted = [name for name in names if (coefficients["response"] == name).any()]
        if fitted:
            break
    else:
        return notice("the paper's reading: too few ranks for a quadratic, or no pairs were evaluated")
    columns = min(len(fitted), 3)
    lines = -(-len(fitted) // columns)
    figure = canvas(PAGE, 2.4 * lines + 0.5)
    panels = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for empty in panels[len(fitted) :]:
        empty.remove()
    axis = RankAxis(points["effective_rank"], [])
    for panel, name in zip(panels, fitted, strict=False):
        own = points[points["name"] == name]
        terms = coefficients[coefficients["response"] == name].set_index("term")["coefficient"]
        _fit(panel, axis, own, terms)
        fit = fits[fits["response"] == name].iloc[0]
        _vertex(panel, fit, terms)
        axis.set_up(panel)
        panel.set_title(f"{name}: {_says(fit)}")
        panel.set_ylabel("score (points), less\nthe expert's own effect" if panel is panels[0] else "")
    legend(figure, panels[: len(fitted)])
    return figure


def _fit(panel: Axes, axis: RankAxis, points: pd.DataFrame, terms: pd.Series) -> None:
    """Draw the curve of the mean expert, and each expert's points less what sets it apart from that."""
    effects = {str(term)[len("expert[") : -1]: value for term, value in terms.items() if str(term).startswith("expert")}
    mean = float(np.mean(list(effects.values())))
    for i, (expert, look) in enumerate(looks(effects).items()):
        own = points[points["experts"] == expert]
        places = np.asarray(axis.places(own["effective_rank"])) + aside(i, len(effects), _ASIDE)
        panel.plot(
            places, POINTS * (own["score"] - effects[expert] + mean), color=look.colour, marker=look.marker,
            linestyle="", markersize=3.5, label=expert,
        )  # fmt: skip
    x = np.linspace(axis.at(axis.ranks[0]), axis.at(axis.ranks[-1]), 100)
    panel.plot(x, POINTS * _curve(x, mean, terms), color="black", label="quadratic")


def _curve(x: np.ndarray, level: float, terms: pd.Series) -> np.ndarray:
    """Return the quadratic at log2 ranks."""
    return level + float(terms["log2_rank"]) * x + float(terms["log2_rank^2"]) * x**2


def _vertex(panel: Axes, fit: pd.Series, terms: pd.Series) -> None:
    """Draw the vertex as a line, with its interval as a band as far as it lies in the panel."""
    if fit["note"]:
        return
    panel.axvline(fit["vertex_log2"], color=GREY, linestyle=":", linewidth=1, label="vertex")
    low, high = np.clip([fit["vertex_low"], fit["vertex_high"]], *panel.get_xlim())
    if np.isfinite([low, high]).all():
        panel.axvspan(low, high, color="#ececec", linewidth=0, zorder=0, label="interval of the vertex")


def _says(fit: pd.Series) -> str:
    """Return where the vertex lies, or why it is none."""
    return str(fit["note"]) or f"vertex at rank {fit['vertex_rank']:.0f}"
