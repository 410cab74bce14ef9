"""Figures and pages: all there, the same bytes twice, in words where there is nothing to draw."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_tables import Made, make
from matplotlib.image import imread

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.catalogue import TABLES
from flexmore.analysis.tables.collecting import collect_scores
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.config.analysis import AnalysisSettings
from flexmore.report.drawing import draw, write_report
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.pictures import Pictures
from flexmore.report.page.readme import readme
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


def test_a_suite_without_domains_has_no_blank_figure_and_leads_with_its_groups(study_of: Any, tmp_path: Path) -> None:
    inputs = study_of(Made(domains=False, controls=False, gain=0.7))
    tables = analyze(inputs, SETTINGS, {})
    tables["r95"] = tables["r95"].assign(r95="8")  # an r95 to draw
    drawn = draw(inputs, tables, tmp_path)
    assert drawn.undrawn == {}
    for path in drawn.paths:
        if path.suffix == ".png":
            inked = (imread(path)[:, :, :3] < 0.99).any(axis=2).mean()
            assert inked > 0.01, path
    page = readme(Content(tables, About("made", SETTINGS)))
    figures = re.findall(r"\(figures/(\w+)\.png\)", page)
    assert len(figures) == len(set(figures)) == len(FIGURES)
    assert figures.index("heatmap_groups") < figures.index("domain_gain")


def test_a_suite_with_domains_leads_with_them(tables: dict[str, pd.DataFrame]) -> None:
    page = readme(Content(tables, About("made", SETTINGS)))
    figures = re.findall(r"\(figures/(\w+)\.png\)", page)
    assert figures.index("domain_gain") < figures.index("heatmap_groups")


def test_a_figure_without_data_is_not_shown_but_named(study_of: Any, tmp_path: Path) -> None:
    inputs = study_of(Made(midpoints={"a": 3}, ladder=(4,), extras=(), active=(), full=False, controls=False))
    tables = analyze(inputs, SETTINGS, {})
    drawn = draw(inputs, tables, tmp_path)
    assert {"joint_by_rank", "budget", "regression"} <= set(drawn.undrawn)
    page = readme(Content(tables, About("made", SETTINGS), pictures=Pictures({}, drawn.undrawn)))
    assert not any(f"(figures/{name}.png)" in page for name in drawn.undrawn)
    assert "Not drawn: " in page
    assert "joint mixtures: none were evaluated" in page
