"""The figure of what to use: the gain of the chosen rank over public and over full, on items that did not choose it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexmore.analysis.findings.skills import SKILLS
from flexmore.analysis.tables.catalogue import ALL
from flexmore.report.figures.style import COMPARED, PAGE, POINTS, PUBLIC, canvas, legend, notice

_ASIDE = 0.15
"""Half the distance of the two gains of one expert, in rows."""


def chosen(table: pd.DataFrame) -> Figure:
    """Draw both gains of every expert, a panel for the average and for each skill, with the rank above them.

    Args:
        table: as `chosen.csv` holds it.
    """
    names = [name for name in ("average", *SKILLS) if (table["name"] == name).any()]
    if not names:
        return notice("what to use: nothing can be judged on held-out items (no per-item results, or no pairs)")
    experts = sorted(set(table["expert"]) - {ALL}) + ([ALL] if (table["expert"] == ALL).any() else [])
    figure = canvas(PAGE, 0.95 + 0.34 * len(experts))
    panels = np.ravel(figure.subplots(1, len(names), sharey=True))
    for panel, name in zip(panels, names, strict=True):
        _panel(panel, table[table["name"] == name].set_index("expert"), experts)
        panel.set_title(name)
        panel.set_xlabel("gain of the chosen rank (points)")
    panels[0].set_yticks(range(len(experts)), experts)
    panels[0].set_ylim(len(experts) - 0.5, -0.5)
    legend(figure, list(panels))
    return figure


def _panel(panel: Axes, rows: pd.DataFrame, experts: list[str]) -> None:
    """Draw the gains of one scope; the ranks stand above the marks."""
    panel.axvline(0, color=PUBLIC, linestyle=(0, (4, 2)), linewidth=1)
    present = [(place, expert) for place, expert in enumerate(experts) if expert in rows.index]
    places = np.array([place for place, _ in present])
    own = rows.loc[[expert for _, expert in present]]
    for (key, label), look, moved in zip(
        (("over_public", "over public"), ("over_full", "over full")), COMPARED, (-_ASIDE, _ASIDE), strict=True
    ):
        gain = own[key].to_numpy(dtype=np.float64)
        ends = np.stack([gain - own[f"{key}_low"].to_numpy(), own[f"{key}_high"].to_numpy() - gain])
        panel.errorbar(
            POINTS * gain, places + moved, xerr=POINTS * np.nan_to_num(ends), fmt=look.marker, color=look.colour,
            markerfacecolor=look.colour if key == "over_public" else "white", elinewidth=0.9, capsize=1.5, label=label,
        )  # fmt: skip
    for place, expert in present:
        at = (POINTS * own["over_public"][expert], place - _ASIDE)
        panel.annotate(f"rank {own['rank'][expert]}", at, (0, 3), textcoords="offset points", fontsize=6, ha="center")
    panel.grid(visible=False, axis="y")
