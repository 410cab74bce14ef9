"""Figures: all there, the same bytes twice, one look per expert, in words where there is nothing to draw."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_tables import Made, make
from matplotlib.figure import Figure

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.catalogue import TABLES
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.analysis.tables.storage import read_tables, write_csv, write_parquet, write_tables
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.drawing import draw, run_drawing
from flexmore.report.figures import curves, heatmaps, mixtures
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.figures.style import RankAxis, looks, styled
from flexmore.report.page.about import About
from flexmore.steps.analysis_tables import write_analysis

SETTINGS = AnalysisSettings(draws=200)
REPORT = Path(__file__).parents[3] / "workflow" / "report"


def _texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text")))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "made",
    [
        Made(),
        Made(midpoints={"math": 3, "news": 5}, ladder=(1, 4, 16), extras=(), active=(2,), groups=("MC9", "BBH")),
        Made(midpoints={"a": 3}, ladder=(4,), extras=(), active=(), full=False, domains=False, controls=False),
        Made(midpoints={f"e{i}": 2.0**i for i in range(8)}, groups=("one", "two", "three", "four")),
    ],
    ids=["default", "smoke", "bare", "eight"],
)
def test_every_figure_and_table_of_every_kind_of_study(study_of: Any, made: Made, tmp_path: Path) -> None:
    inputs = study_of(made)
    tables = analyze(inputs, SETTINGS, {"math": 200, "news": 400})
    assert tuple(tables) == TABLES
    paths = draw(inputs, tables, tmp_path)
    assert {path.name for path in paths} == {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    assert all(path.stat().st_size > 2000 for path in paths)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in paths}


def test_same_bytes_twice_from_files_alone(study: Inputs, tmp_path: Path) -> None:
    source = tmp_path / "tables"
    collect_scores(*make(Made(), tmp_path), source)
    write_csv(source / "adapters.csv", study.adapters)
    write_parquet(source / "spectra.parquet", study.spectra)
    about = About("made", SETTINGS, {"math": 200})
    for out in ("one", "two"):
        write_analysis(source, tmp_path / out / "tables", about)
        run_drawing(source, tmp_path / out, about, REPORT)
    one, two = (sorted(path for path in (tmp_path / out).rglob("*") if path.is_file()) for out in ("one", "two"))
    assert len(one) == len(two) == len(TABLES) + 2 * len(FIGURES) + 2
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes(), first
    assert b"<dc:date>" not in (tmp_path / "one" / "figures" / "heatmap.svg").read_bytes()


@pytest.mark.parametrize("made", [Made(), Made(midpoints={"a": 3}, ladder=(4,), extras=(), active=(), full=False)])
def test_tables_read_back_as_they_were(study_of: Any, made: Made, tmp_path: Path) -> None:
    tables = analyze(study_of(made), SETTINGS, {"math": 200, "news": 400})
    write_tables(tables, tmp_path)
    for name, table in read_tables(tmp_path).items():
        expected = tables[name].reset_index(drop=True)
        if len(expected):
            pd.testing.assert_frame_equal(table, expected, check_dtype=False, obj=name)
        else:
            assert list(table.columns) == list(expected.columns)


def test_each_figure_has_a_caption() -> None:
    for name in FIGURES:
        assert len((REPORT / f"{name}.rst").read_text()) > 100, name


def test_an_expert_looks_the_same_in_any_order_and_unlike_others() -> None:
    names = [f"expert{i:02d}" for i in range(30)]
    assert looks(names) == looks(reversed(names))
    assert len(set(looks(names).values())) == 30
    six = looks(["code", "creative", "math", "news", "pes2o", "reddit"])
    assert len({look.colour for look in six.values()}) == len({look.marker for look in six.values()}) == 6


def test_the_rank_axis() -> None:
    axis = RankAxis([1, 2, 3, 4, 64], ["best", "full"])
    assert axis.places([1, 2, 4, 64]) == [0, 1, 2, 6]
    assert axis.at(3) == pytest.approx(1.585, abs=1e-3)
    assert 6 < axis.at("full") < axis.at("best")
    figure = Figure()
    panel = figure.add_subplot()
    wide = RankAxis([2**i for i in range(13)])
    wide.dress(panel)
    labels = [tick.get_text() for tick in panel.get_xticklabels()]
    assert labels == ["1", "8", "64", "512", "4096", "full"]


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


def test_the_joint_table_and_the_frontier(study: Inputs) -> None:
    tables = analyze(study, SETTINGS, {})
    full = tables["joint"].query("rank == 'full'")
    assert full[["retained math", "retained news", "retained pes2o"]].to_numpy() == pytest.approx(0.8, abs=0.04)
    parameters = tables["parameters"]
    for _, row in parameters.iterrows():
        rivals = parameters[parameters["parameters"] <= row["parameters"]]["average"].max()
        assert not row["frontier"] or row["average"] == rivals
    assert parameters["frontier"].any()


def test_nothing_is_predicted_of_another_family(study: Inputs) -> None:
    assert analyze(study, SETTINGS, {})["predictions"].empty


def test_optima_stand_beside_r95(study: Inputs) -> None:
    optima = analyze(study, SETTINGS, {})["optima"].set_index(["expert", "scope", "name"])
    row = optima.loc[("math", "domain", "math")]
    # the curve is flat to rounding from 16 on: the smallest of the best
    assert (row["best_rank"], row["best_gain"]) == ("16", pytest.approx(0.6))
    assert (row["full_gain"], row["r95"]) == (pytest.approx(0.6), "8")


def test_other_families_and_no_items_need_no_change(study: Inputs, tmp_path: Path) -> None:
    lean = Inputs(study.scores)
    tables = analyze(lean, SETTINGS, {})
    assert not tables["gains"]["paired"].any()
    assert len(draw(lean, tables, tmp_path)) == 2 * len(FIGURES)


def test_torch_is_never_imported() -> None:
    code = (
        "import sys, flexmore.report.drawing, flexmore.analysis.all_tables\n"
        "heavy = {'torch', 'transformers', 'lm_eval', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_names_of_tables_and_figures_cost_nothing_to_import() -> None:
    code = (
        "import sys, flexmore.analysis.tables.catalogue, flexmore.report.figures.catalogue\n"
        "assert not {'pandas', 'matplotlib', 'scipy', 'statsmodels'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
