"""Joint mixtures against rank, and what parameters buy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter

from flexmore.analysis.figures.curves import POINTS
from flexmore.analysis.figures.style import GREY, JOINT, PAGE, PUBLIC, RankAxis, canvas, looks, notice
from flexmore.analysis.ranks import numbered

_MARKERS = ("o", "s", "^", "D", "v")


def joint_by_rank(joint: pd.DataFrame, public: float) -> Figure:
    """Average of the joint mixtures against rank, a line per number of active experts; full and selections
    apart.

    Args:
        joint: of `optima.joint`.
        public: the public model's average.
    """
    if joint.empty:
        return notice("joint mixtures: none were evaluated")
    joint = joint.assign(kind="joint", experts="")
    points = numbered(joint, kinds=("joint",))
    others = joint[~joint["rank"].str.isdigit()]
    axis = RankAxis(points["effective_rank"], others["rank"])
    figure = canvas(PAGE * 0.75, 2.9)
    panel = figure.add_subplot()
    panel.axhline(POINTS * public, color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1, label="public")
    actives = sorted(joint["active"].unique())
    for i, active in enumerate(actives):
        colour, marker = JOINT[i % len(JOINT)], _MARKERS[i % len(_MARKERS)]
        # beside each other, so that intervals at one rank do not hide behind each other
        aside = 0.1 * (i - (len(actives) - 1) / 2)
        line = points[points["active"] == active]
        apart = others[others["active"] == active]
        _errorbars(panel, axis.places(line["effective_rank"]), line, aside, colour, marker, f"{active} active")
        _errorbars(panel, axis.places(apart["rank"]), apart, aside, colour, marker, None)
    axis.dress(panel)
    chosen = bool((others["rank"] != "full").any())
    panel.set_xlabel("rank of every expert (selections: a rank for each)" if chosen else "rank of every expert")
    panel.set_ylabel("average (points)")
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _errorbars(
    panel: Axes,
    places: list[float],
    rows: pd.DataFrame,
    aside: float,
    colour: str,
    marker: str,
    label: str | None,
) -> None:
    average, gain = rows["average"].to_numpy(), rows["gain"].to_numpy()
    half = np.nan_to_num(np.stack([gain - rows["low"].to_numpy(), rows["high"].to_numpy() - gain]))
    panel.errorbar(
        np.asarray(places) + aside, POINTS * average, yerr=POINTS * half, color=colour, marker=marker,
        linestyle="-" if label else "", markerfacecolor=colour if label else "white", elinewidth=0.8,
        capsize=1.5, label=label,
    )  # fmt: skip


def parameters(table: pd.DataFrame, public: float) -> Figure:
    """Total parameters against the average, a mark per mixture: pairs by expert, joint by active.

    Args:
        table: of `optima.parameters`.
        public: the public model's average.
    """
    if table.empty:
        return notice("parameters: no mixtures were evaluated")
    figure = canvas(PAGE * 0.8, 3.2)
    panel = figure.add_subplot()
    panel.axhline(POINTS * public, color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1, label="public")
    pairs = table[table["kind"] != "joint"]
    for expert, look in looks(pairs["experts"]).items():
        own = pairs[pairs["experts"] == expert]
        panel.plot(
            own["parameters"].to_numpy(), POINTS * own["average"], marker=look.marker, color=look.colour,
            linestyle="", alpha=0.8, label=expert,
        )  # fmt: skip
    joint = table[table["kind"] == "joint"]
    for i, active in enumerate(sorted(joint["active"].unique())):
        own = joint[joint["active"] == active].sort_values("parameters", kind="stable")
        colour, marker = JOINT[i % len(JOINT)], _MARKERS[i % len(_MARKERS)]
        uniform = own[own["rank"].str.isdigit()]
        panel.plot(
            uniform["parameters"].to_numpy(), POINTS * uniform["average"], marker=marker, color=colour,
            linewidth=0.8, markersize=3.5, label=f"joint, {active} active",
        )  # fmt: skip
        selected = own.drop(uniform.index)
        panel.plot(
            selected["parameters"].to_numpy(), POINTS * selected["average"], marker=marker, color=colour,
            linestyle="", markersize=8, markerfacecolor="none", markeredgewidth=1.4, label=None,
        )  # fmt: skip
    _name_selections(panel, joint)
    _parameter_axis(panel, table["parameters"])
    panel.set_ylabel("average (points)")
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _name_selections(panel: Axes, joint: pd.DataFrame) -> None:
    """Name full and each selection above its highest mark, side by side in the marks' order (they may coincide)."""
    named = (
        joint[~joint["rank"].str.isdigit()].sort_values("average", kind="stable").drop_duplicates("rank", keep="last")
    )
    named = named.sort_values(["parameters", "rank"], kind="stable")
    for i, (name, parameters, average) in enumerate(named[["rank", "parameters", "average"]].itertuples(index=False)):
        panel.annotate(
            str(name), (parameters, POINTS * average), xytext=(26 * (i - (len(named) - 1) / 2), 16),
            textcoords="offset points", ha="center", fontsize=7, color="black", zorder=6,
            path_effects=[withStroke(linewidth=2, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkB": 4},
        )  # fmt: skip


def _parameter_axis(panel: Axes, parameters: pd.Series) -> None:
    def human(value: float, _: object = None) -> str:
        for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
            if value >= size:
                return f"{value / size:.3g}{unit}"
        return f"{value:g}"

    if parameters.max() > 3 * parameters.min():
        panel.set_xscale("log")
        panel.xaxis.set_minor_formatter(NullFormatter())
        ends = np.log10([parameters.min(), parameters.max()])
        steps = [m * 10.0**e for e in range(int(ends[0]) - 1, int(ends[1]) + 2) for m in (1, 2, 5)]
        panel.set_xticks([s for s in steps if parameters.min() * 0.9 <= s <= parameters.max() * 1.1])
    panel.xaxis.set_major_formatter(FuncFormatter(human))
    panel.set_xlabel("total parameters")
