"""The figure of what to use, and that of best ranks, show what their tables hold."""

import finding_frames
import pandas as pd
import pytest

from flexmore.report.figures.chosen import chosen
from flexmore.report.figures.places import best_ranks, r95
from flexmore.report.figures.style import undrawn


def test_both_gains_of_every_expert_and_its_rank_are_drawn() -> None:
    table = finding_frames.optimum_below_full()["chosen"]
    figure = chosen(table)
    assert [panel.get_title() for panel in figure.axes] == ["average", "reasoning", "knowledge"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["math", "news", "pes2o", "all"]
    reasoning = figure.axes[1]
    assert [text.get_text() for text in reasoning.texts] == ["rank 64"] * 4
    drawn = {container.get_label(): container[0].get_xdata() for container in reasoning.containers}  # type: ignore[attr-defined]
    assert drawn["over public"] == pytest.approx([2.4] * 4)
    assert drawn["over full"] == pytest.approx([3.9] * 4)
    assert undrawn(chosen(table.head(0))).startswith("what to use: nothing can be judged")


def test_an_interval_of_one_rank_has_no_length(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["r95"].copy()
    table[["r95", "r95_low", "r95_high"]] = "16"
    figure = r95(table, [1, 4, 16, 64])
    thick = [line for panel in figure.axes for line in panel.get_lines() if line.get_label() == "over items"]
    assert thick
    assert all(list(line.get_xdata()) == [4.0, 4.0] for line in thick)  # type: ignore[call-overload]
    assert undrawn(r95(table.assign(r95=""), [1, 4])) == "r95: there is none, since no full expert gains over public"


def test_best_ranks_stand_in_a_panel_for_each_group(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["best_ranks"]
    figure = best_ranks(table, [1, 2, 4, 8, 16, 32, 64])
    assert [panel.get_title() for panel in figure.axes] == ["MC9", "Gen5", "MMLU", "MMLU-Pro", "AGIEval", "BBH"]
    assert undrawn(best_ranks(table.head(0), [1])).startswith("best ranks")
