"""Figures of joint mixtures against rank, and of what parameters buy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from flexmore.analysis.ranks import numbered
from flexmore.analysis.statistics.scopes import Array
from flexmore.report.figures.apart import aside, label_ends, nested, say_coinciding
from flexmore.report.figures.style import (
    GREY,
    PAGE,
    POINTS,
    PUBLIC,
    Look,
    RankAxis,
    canvas,
    joint_look,
    legend,
    looks,
    notice,
)
from flexmore.report.figures.unread import Ringed, ring

_ASIDE = 0.17
"""Between the marks of two numbers of active experts, in steps of the rank axis."""
_PARAMETERS_ASIDE = 0.012
"""The same on the axis of parameters, in powers of ten."""


def joint_by_rank(joint: pd.DataFrame, public: float, ringed: Ringed = frozenset()) -> Figure:
    """Draw the average of the joint mixtures against rank, a line per number of active experts.

    Full and selections stand apart.

    Args:
        joint: as `summaries.joint_mixtures` returns it.
        public: the public model's average.
        ringed: as `often_unread` returns it.
    """
    if joint.empty:
        return notice("joint mixtures: none were evaluated")
    joint = joint.assign(kind="joint", experts="", scope="average", name="average")
    points = numbered(joint, kinds=("joint",))
    others = joint[~joint["rank"].str.isdigit()]
    axis = RankAxis(points["effective_rank"], others["rank"])
    figure = canvas(PAGE * 0.8, 3.1)
    panel = figure.add_subplot()
    panel.axhline(POINTS * public, color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1, label="public")
    actives = sorted(joint["active"].unique())
    for i, active in enumerate(actives):
        look, moved = joint_look(i), aside(i, len(actives), _ASIDE)
        line = points[points["active"] == active]
        apart = others[others["active"] == active]
        places = np.asarray(axis.places(line["effective_rank"]))
        width = nested(i, len(actives))
        panel.plot(places, POINTS * line["average"].to_numpy(), color=look.colour, linewidth=width, zorder=1.5)
        _errorbars(panel, places + moved, line, look, f"{active} active")
        _errorbars(panel, np.asarray(axis.places(apart["rank"])) + moved, apart, look, None)
        for some, rank in ((line, "effective_rank"), (apart, "rank")):
            ring(panel, np.asarray(axis.places(some[rank])) + moved, some, ringed, "average")
    axis.set_up(panel)
    panel.set_title(say_coinciding(_by_active(points, "effective_rank"), "active"))
    chosen = bool((others["rank"] != "full").any())
    panel.set_xlabel("rank of every expert (selections: a rank for each)" if chosen else "rank of every expert")
    panel.set_ylabel("average (points)")
    legend(figure, [panel])
    return figure


def _errorbars(panel: Axes, places: Array, rows: pd.DataFrame, look: Look, label: str | None) -> None:
    """Draw averages with the intervals of their gains; with a label they are a curve, without one hollow marks."""
    average, gain = rows["average"].to_numpy(), rows["gain"].to_numpy()
    half = np.nan_to_num(np.stack([gain - rows["low"].to_numpy(), rows["high"].to_numpy() - gain]))
    panel.errorbar(
        places, POINTS * average, yerr=POINTS * half, color=look.colour, marker=look.marker, linestyle="",
        markerfacecolor=look.colour if label else "white", elinewidth=0.8, capsize=1.5, label=label, markersize=3.5,
    )  # fmt: skip


def _by_active(joint: pd.DataFrame, place: str) -> dict[str, Array]:
    """Return the averages of the joint mixtures by number of active experts, at the places that the column names."""
    wide = joint.drop_duplicates(["active", place]).pivot(index=place, columns="active", values="average")
    return {str(active): values.to_numpy(dtype=np.float64) for active, values in wide.items()}


def parameters(table: pd.DataFrame, public: float) -> Figure:
    """Draw parameters against the average: pairs by expert in one panel, joint mixtures by active in another.

    Args:
        table: as `summaries.parameters` returns it.
        public: the public model's average.
    """
    if table.empty:
        return notice("parameters: no mixtures were evaluated")
    pairs, joint = table[table["kind"] != "joint"], table[table["kind"] == "joint"]
    parts = [part for part in (pairs, joint) if len(part)]
    figure = canvas(PAGE * (1 if len(parts) == 2 else 0.6), 2.9)
    panels = dict(zip([id(part) for part in parts], np.ravel(figure.subplots(1, len(parts))), strict=True))
    for panel in panels.values():
        panel.axhline(POINTS * public, color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1, label="public")
        panel.set_ylabel("average (points)")
    if len(pairs):
        _pairs(panels[id(pairs)], pairs)
    if len(joint):
        _joint(panels[id(joint)], joint)
    legend(figure, list(panels.values()), ncols=5)
    return figure


def _pairs(panel: Axes, pairs: pd.DataFrame) -> None:
    """Draw the panel of the pairs."""
    ends = []
    for expert, look in looks(pairs["experts"]).items():
        own = pairs[pairs["experts"] == expert]
        line = own[own["rank"].str.isdigit()].drop_duplicates("parameters")
        whole = own[own["rank"] == "full"]
        panel.plot(
            line["parameters"].to_numpy(), POINTS * line["average"], marker=look.marker, color=look.colour,
            linestyle=look.dash, linewidth=0.8, markersize=3.5, label=expert,
        )  # fmt: skip
        panel.plot(
            whole["parameters"].to_numpy(), POINTS * whole["average"], marker=look.marker, color=look.colour,
            linestyle="", markersize=6, markerfacecolor="white",
        )  # fmt: skip
        last = own.sort_values("parameters").iloc[-1]
        ends.append((expert, float(last["parameters"]), POINTS * float(last["average"]), look.colour))
    panel.set_title("pairs (hollow: full)")
    parameter_axis(panel, pairs["parameters"])
    label_ends(panel, ends, gap=0.07)


def _joint(panel: Axes, joint: pd.DataFrame) -> None:
    """Draw the panel of the joint mixtures, marks of the same parameters side by side."""
    actives = sorted(joint["active"].unique())
    for i, active in enumerate(actives):
        own = joint[joint["active"] == active].sort_values("parameters", kind="stable")
        look, moved = joint_look(i), 10 ** aside(i, len(actives), _PARAMETERS_ASIDE)
        uniform = own[own["rank"].str.isdigit()].drop_duplicates("parameters")
        panel.plot(
            uniform["parameters"].to_numpy(), POINTS * uniform["average"], color=look.colour,
            linewidth=nested(i, len(actives)), zorder=1.5,
        )  # fmt: skip
        panel.plot(
            moved * uniform["parameters"].to_numpy(), POINTS * uniform["average"], color=look.colour,
            marker=look.marker, linestyle="", markersize=3.5, label=f"joint, {active} active",
        )  # fmt: skip
        selected = own[~own["rank"].str.isdigit()]
        panel.plot(
            moved * selected["parameters"].to_numpy(), POINTS * selected["average"], marker=look.marker,
            color=look.colour, linestyle="", markersize=4.5, markerfacecolor="white", markeredgewidth=0.9,
        )  # fmt: skip
    named = joint[~joint["rank"].str.isdigit()].drop_duplicates("rank").sort_values("parameters", kind="stable")
    for parameters, names in _beside(named):
        panel.axvline(parameters, color=GREY, linewidth=0.6, linestyle=":", zorder=0)
        panel.text(
            parameters, 0.5, names, rotation=90, ha="center", va="center", fontsize=7, color="black",
            transform=panel.get_xaxis_transform(), bbox={"color": "white", "pad": 1},
        )  # fmt: skip
    said = say_coinciding(_by_active(joint, "rank"), "active")
    panel.set_title("\n".join(filter(None, ["joint (hollow: full and selections)", said])))
    parameter_axis(panel, joint["parameters"])


def _beside(named: pd.DataFrame) -> list[tuple[float, str]]:
    """Return the parameters and names of the selections, together where within a twentieth of one another."""
    found: list[tuple[float, list[str]]] = []
    for rank, parameters in named[["rank", "parameters"]].itertuples(index=False):
        if found and parameters < 1.05 * found[-1][0]:
            found[-1][1].append(str(rank))
        else:
            found.append((float(parameters), [str(rank)]))
    return [(parameters, ", ".join(names)) for parameters, names in found]


def parameter_axis(panel: Axes, parameters: pd.Series) -> None:
    """Set up the x axis of a panel for numbers of parameters."""

    def human(value: float, _: object = None) -> str:
        for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
            if value >= size:
                return f"{value / size:.3g}{unit}"
        return f"{value:g}"

    if parameters.max() > 1.5 * parameters.min():
        panel.set_xscale("log")
        panel.xaxis.set_minor_formatter(NullFormatter())
        ends = np.log10([parameters.min(), parameters.max()])
        steps = [
            m * 10.0**e for e in range(int(ends[0]) - 1, int(ends[1]) + 2) for m in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
        ]
        shown = [s for s in steps if parameters.min() * 0.95 <= s <= parameters.max() * 1.05]
        panel.set_xticks(shown[:: 1 + (len(shown) - 1) // 6])
    panel.xaxis.set_major_formatter(FuncFormatter(human))
    panel.set_xlabel("total parameters")
