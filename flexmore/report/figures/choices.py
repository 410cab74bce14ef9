"""Figures of what rules choose, and of what a budget buys."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D

from flexmore.analysis.tables.catalogue import ALL
from flexmore.report.figures.apart import aside
from flexmore.report.figures.mixtures import parameter_axis
from flexmore.report.figures.style import GREY, JOINT, PAGE, POINTS, canvas, joint_look, legend, notice

_ASIDE = 0.009
"""Between the marks of two numbers of active experts, in powers of ten of parameters."""


def rules(selections: pd.DataFrame, heldout: pd.DataFrame) -> Figure:
    """Draw the mean gain of every rule on the items that chose and on held-out ones, and the parameters it saves.

    Args:
        selections: as `selections.selections` returns it.
        heldout: as `heldout.cross_fit` returns it.
    """
    rows = heldout[heldout["expert"] == ALL].set_index("rule")
    if rows.empty:
        return notice("rules: nothing can be judged on held-out items (no per-item results, or no pairs)")
    saved = selections[selections["note"] == ""].groupby("rule")["saved"].mean().reindex(rows.index)
    reads = selections.drop_duplicates("rule").set_index("rule")["reads"].reindex(rows.index)
    figure = canvas(PAGE, 0.9 + 0.24 * len(rows))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    places = np.arange(len(rows))
    held = POINTS * rows["held_out"].to_numpy()
    ends = np.abs(POINTS * rows[["held_out_low", "held_out_high"]].to_numpy().T - held)
    left.errorbar(
        held, places, xerr=ends, fmt="o", color=JOINT[0], elinewidth=0.9, capsize=1.5, label="judged on held-out items"
    )
    left.plot(
        POINTS * rows["naive"], places, marker="o", linestyle="", markerfacecolor="none", color="#D55E00", markersize=7,
        label="judged on the items that chose",
    )  # fmt: skip
    left.set_yticks(places, [f"{rule} ({reads[rule]})" for rule in rows.index])
    left.invert_yaxis()
    left.set_xlabel("mean gain of the pairs (points of the average)")
    right.barh(places, 100 * saved.to_numpy(), color="#9ecae1", height=0.6)
    right.axvline(0, color="black", linewidth=0.8)
    right.set_xlabel("parameters of a pair saved\nagainst the highest average (%)")
    for panel in (left, right):
        panel.grid(visible=False, axis="y")
    legend(figure, [left])
    return figure


def budget(front: pd.DataFrame, tested: pd.DataFrame) -> Figure:
    """Draw the Pareto front of predicted sums of pair gains, and what joint mixtures really gained.

    Args:
        front: as `budget.front_of` returns it.
        tested: as `budget.additivity` returns it.
    """
    if front.empty:
        return notice("budget: no uniform joint mixture to count parameters from")
    figure = canvas(PAGE, 3.4)
    panel = figure.add_subplot()
    panel.step(
        front["parameters"].to_numpy(),
        POINTS * front["gain"],
        where="post",
        color=GREY,
        label="highest sum of pair gains",
    )
    uniform = tested[tested["rank"].str.isdigit()].drop_duplicates("rank")
    panel.plot(
        uniform["parameters"].to_numpy(), POINTS * uniform["sum_of_gains"], color="black", linestyle="", marker="_",
        markersize=18, markeredgewidth=1.2, label="sum of pair gains at uniform ranks", zorder=4,
    )  # fmt: skip
    actives = sorted(tested["active"].unique())
    hollow = [_measured(panel, i, tested[tested["active"] == active], len(actives)) for i, active in enumerate(actives)]
    handles: list[Any]  # matplotlib types a legend's handles as artists, but takes tuples of them as well
    handles, labels = panel.get_legend_handles_labels()
    if (tested["closer"] != "").any():
        handles, labels = [*handles, tuple(hollow)], [*labels, "measured, of unequal ranks"]
    parameter_axis(panel, pd.concat([front["parameters"], tested["parameters"]]))
    panel.set_xlabel("total parameters of the joint mixture")
    panel.set_ylabel("gain over public (points)")
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handler_map={tuple: HandlerTuple(ndivide=None)})
    return figure


def _measured(panel: Axes, place: int, rows: pd.DataFrame, count: int) -> Line2D:
    """Draw what the joint mixtures of one number of active experts gained, beside the marks of the other numbers.

    Returns:
        The hollow mark that stands for unequal ranks, for a legend.
    """
    look, moved = joint_look(place), 10 ** aside(place, count, _ASIDE)
    for hollow, own in ((False, rows[rows["closer"] == ""]), (True, rows[rows["closer"] != ""])):
        gain = own["joint_gain"].to_numpy()
        half = np.nan_to_num(np.stack([gain - own["low"].to_numpy(), own["high"].to_numpy() - gain]))
        panel.errorbar(
            moved * own["parameters"].to_numpy(), POINTS * gain, yerr=POINTS * half, fmt=look.marker,
            color=look.colour, markerfacecolor="white" if hollow else look.colour, markersize=3.5, elinewidth=0.7,
            capsize=1.2, label=None if hollow else f"measured, {rows['active'].iloc[0]} active",
        )  # fmt: skip
    return Line2D([], [], color=look.colour, marker=look.marker, linestyle="", markerfacecolor="white", markersize=3.5)
