"""The analysis as a whole: tables in, tables and figures out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flexmore.analysis import optima
from flexmore.analysis.artefacts import FIGURES as FIGURES
from flexmore.analysis.artefacts import TABLES as TABLES
from flexmore.analysis.figures import curves, heatmaps, mixtures, spectra, style
from flexmore.analysis.gains import gains
from flexmore.analysis.predictions import COLUMNS as PREDICTION_COLUMNS
from flexmore.analysis.predictions import judge
from flexmore.analysis.recovery import recover
from flexmore.analysis.regression import regress
from flexmore.analysis.scopes import averages
from flexmore.analysis.selections import selections
from flexmore.analysis.settings import AnalysisSettings
from flexmore.analysis.table import (
    collect,
    collect_versions,
    read_scores,
    read_table,
    without_controls,
    write_csv,
    write_parquet,
)
from flexmore.mixtures import Recipe


@dataclass(frozen=True)
class Inputs:
    """All that tables and figures are made from. None: not measured; left out, with the reason."""

    scores: pd.DataFrame
    items: pd.DataFrame | None = None
    controls: pd.DataFrame | None = None
    adapters: pd.DataFrame | None = None
    spectra: pd.DataFrame | None = None


def collect_scores(score_files: Mapping[str, Path], recipes: Iterable[Recipe], out: Path) -> None:
    """Write `out`/scores.parquet, scores.csv, items.parquet, controls.csv, versions.csv from score files."""
    table, items = collect(score_files, recipes)
    scores, controls = without_controls(table)
    write_parquet(out / "scores.parquet", scores)
    write_csv(out / "scores.csv", scores)
    write_csv(out / "controls.csv", controls)
    write_parquet(out / "items.parquet", items)
    write_csv(out / "versions.csv", collect_versions(score_files))


def read_inputs(folder: Path) -> Inputs:
    """Read a folder of tables: scores.parquet (or scores.csv), and where they are there items.parquet,
    controls.csv, adapters.csv, spectra.parquet."""
    parquet = folder / "scores.parquet"

    def maybe(name: str) -> pd.DataFrame | None:
        return read_table(folder / name) if (folder / name).exists() else None

    return Inputs(
        scores=read_scores(parquet if parquet.exists() else folder / "scores.csv"),
        items=maybe("items.parquet"),
        controls=maybe("controls.csv"),
        adapters=maybe("adapters.csv"),
        spectra=maybe("spectra.parquet"),
    )


def analyze(inputs: Inputs, settings: AnalysisSettings, facts: Mapping[str, int]) -> dict[str, pd.DataFrame]:
    """Every table of `TABLES`.

    Args:
        facts: expert -> number of memorised facts, where the family is the pocket; None for any other, of
            which nothing was predicted.
    """
    scores = inputs.scores
    gained = gains(scores, inputs.items, settings.confidence)
    recovered = recover(gained, settings.recovery)
    coefficients, fits = regress(scores, settings)
    controls = _control_gains(inputs, settings)
    nothing = pd.DataFrame(columns=PREDICTION_COLUMNS)
    predictions = judge(scores, gained, controls, recovered, facts) if facts else nothing
    return {
        "averages": averages(scores),
        "gains": gained if controls is None else pd.concat([gained, controls], ignore_index=True),
        "r95": recovered,
        "regression": coefficients,
        "regression_fits": fits,
        "selections": selections(scores, inputs.items),
        "optima": optima.optima(gained, recovered),
        "joint": optima.joint(gained),
        "parameters": optima.parameters(gained),
        "predictions": predictions,
    }


def _control_gains(inputs: Inputs, settings: AnalysisSettings) -> pd.DataFrame | None:
    if inputs.controls is None or inputs.controls.empty:
        return None
    baseline = inputs.scores[inputs.scores["kind"] == "baseline"]
    return gains(pd.concat([baseline, inputs.controls], ignore_index=True), inputs.items, settings.confidence)


def draw(inputs: Inputs, tables: Mapping[str, pd.DataFrame], out: Path) -> list[Path]:
    """Draw every figure of `FIGURES`; one for which there is no data says so in words.

    Returns:
        The files written, a PNG and an SVG each.
    """
    gained = tables["gains"]
    public = float(tables["averages"].query("kind == 'baseline'")["average"].iloc[0])
    figures: dict[str, Callable[[], Figure]] = {
        "score_by_rank": lambda: curves.score_by_rank(gained),
        "heatmap": lambda: heatmaps.heatmap(gained),
        "heatmap_groups": lambda: heatmaps.heatmap_groups(gained),
        "joint_by_rank": lambda: mixtures.joint_by_rank(tables["joint"], public),
        "parameters": lambda: mixtures.parameters(tables["parameters"], public),
        "spectra": lambda: spectra.spectra(inputs.spectra),
        "error_by_rank": lambda: curves.error_by_rank(inputs.adapters),
        "domain_gain": lambda: curves.domain_gain(gained, tables["r95"]),
    }
    paths = []
    with style.styled():
        for name in FIGURES:
            paths += style.save(figures[name](), out, name)
    return paths


def run_analysis(
    folder: Path, out: Path, settings: AnalysisSettings, facts: Mapping[str, int]
) -> dict[str, pd.DataFrame]:
    """Read the tables in `folder`, write those of `TABLES` into `out` and return them."""
    tables = analyze(read_inputs(folder), settings, facts)
    for name in TABLES:
        write_csv(out / f"{name}.csv", tables[name])
    return tables


def run_figures(folder: Path, out: Path, settings: AnalysisSettings, facts: Mapping[str, int]) -> list[Path]:
    """Draw every figure into `out` from the tables that `read_inputs` finds in `folder`."""
    inputs = read_inputs(folder)
    return draw(inputs, analyze(inputs, settings, facts), out)
