"""Figures and pages: all there, the same bytes twice, in words where there is nothing to draw."""

from pathlib import Path
from typing import Any

import pytest
from made_tables import Made, make

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.catalogue import TABLES
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.drawing import draw, write_report
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page.about import About
from flexmore.steps.analysis_tables import write_analysis

SETTINGS = AnalysisSettings(bootstrap_samples=200)
REPORT = Path(__file__).parents[2] / "workflow" / "report"


@pytest.mark.parametrize(
    "made",
    [
        Made(midpoints={"math": 3, "news": 5}, ladder=(1, 4, 16), extras=(), active=(2,), groups=("MC9", "BBH")),
        Made(midpoints={"a": 3}, ladder=(4,), extras=(), active=(), full=False, domains=False, controls=False),
        Made(midpoints={f"e{i}": 2.0**i for i in range(8)}, groups=("one", "two", "three", "four")),
    ],
    ids=["smoke", "bare", "eight"],
)
def test_every_figure_and_table_of_every_kind_of_study(study_of: Any, made: Made, tmp_path: Path) -> None:
    inputs = study_of(made)
    tables = analyze(inputs, SETTINGS, {"math": 200, "news": 400})
    assert tuple(tables) == TABLES
    paths = draw(inputs, tables, tmp_path).paths
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
        write_report(source, tmp_path / out, about, REPORT)
    one, two = (sorted(path for path in (tmp_path / out).rglob("*") if path.is_file()) for out in ("one", "two"))
    assert len(one) == len(two) == len(TABLES) + 2 * len(FIGURES) + 2
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes(), first
    assert b"<dc:date>" not in (tmp_path / "one" / "figures" / "heatmap.svg").read_bytes()


def test_other_families_and_no_items_need_no_change(study: Inputs, tmp_path: Path) -> None:
    lean = Inputs(study.scores)
    tables = analyze(lean, SETTINGS, {})
    assert not tables["gains"]["paired"].any()
    assert len(draw(lean, tables, tmp_path).paths) == 2 * len(FIGURES)
