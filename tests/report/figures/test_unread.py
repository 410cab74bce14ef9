"""Scores of which many answers could not be read are ringed, and no others."""

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from flexmore.analysis.inputs import Inputs
from flexmore.report.figures import curves, heatmaps, mixtures
from flexmore.report.figures.unread import LABEL, often_unread


@pytest.fixture(scope="module")
def scores(study: Inputs) -> pd.DataFrame:
    """A table in which `news-r1` writes three tenths rubbish in all tasks, `math-r2` in those of one group."""
    table = study.scores.copy()
    everywhere = table["mixture"].isin(["news-r1", "joint-a2-r1"])
    table["unread"] = table["n"] * 0.3 * (everywhere | ((table["mixture"] == "math-r2") & (table["group"] == "BBH")))
    return table


def test_what_is_often_unread_is_found_by_scope(scores: pd.DataFrame) -> None:
    ringed = often_unread(scores)
    assert {scope for mixture, scope in ringed if mixture == "news-r1"} >= {
        "average/average",
        "group/MC9",
        "domain/news",
    }
    assert [scope for mixture, scope in ringed if mixture == "math-r2"] == ["group/BBH"]
    assert {mixture for mixture, _ in ringed} == {"news-r1", "math-r2", "joint-a2-r1"}


def test_where_nothing_is_known_nothing_is_ringed(scores: pd.DataFrame) -> None:
    assert often_unread(scores.drop(columns="unread")) == frozenset()
    assert often_unread(scores.assign(unread=float("nan"))) == frozenset()
    assert often_unread(scores.assign(unread=0.2 * scores["n"])) == frozenset()


def _rings(figure: Figure) -> int:
    return sum(
        len(line.get_xdata()) for panel in figure.axes for line in panel.get_lines() if line.get_label() == LABEL
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("draw", "rings"),
    [
        (lambda tables, ringed: curves.score_by_rank(tables["gains"], ringed), 6 + 1),
        (lambda tables, ringed: curves.domain_gain(tables["gains"], tables["r95"], ringed), 1),
        (lambda tables, ringed: heatmaps.heatmap(tables["gains"], ringed), 1),
        (lambda tables, ringed: heatmaps.heatmap_groups(tables["gains"], ringed), 6 + 1),
        (lambda tables, ringed: mixtures.joint_by_rank(tables["joint"], 0.5, ringed), 1),
    ],
    ids=["score_by_rank", "domain_gain", "heatmap", "heatmap_groups", "joint_by_rank"],
)
def test_each_figure_rings_them(
    scores: pd.DataFrame, tables: dict[str, pd.DataFrame], draw: Callable[..., Figure], rings: int
) -> None:
    figure = draw(tables, often_unread(scores))
    assert _rings(figure) == rings
    assert [text.get_text() for text in figure.legends[0].get_texts()].count(LABEL) == 1
    assert _rings(draw(tables, frozenset())) == 0
