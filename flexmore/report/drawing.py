"""The figures and pages, made from tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.analysis.ranks import numbered
from flexmore.analysis.tables.storage import read_tables
from flexmore.files import write_text
from flexmore.report.figures import choices, chosen, curves, heatmaps, mixtures, places, regression, spectra, style
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.figures.unread import often_unread
from flexmore.report.page.about import About
from flexmore.report.page.content import Content
from flexmore.report.page.explore import explore
from flexmore.report.page.pictures import Pictures, read_captions
from flexmore.report.page.readme import headed, readme

PAGES = ("README.md", "explore.html")
"""Beside `tables/` and `figures/`: the report to read, and the page to explore."""
BESIDE = ("PREDICTIONS.md", "NOTES.md", "config.yaml")
"""Files that the report links to where they are there."""


@dataclass(frozen=True)
class Drawn:
    """Hold what was drawn.

    Attributes:
        paths: the files written, a PNG and an SVG of each figure.
        undrawn: why there is nothing to see in a figure, by name.
    """

    paths: list[Path]
    undrawn: dict[str, str]


def draw(inputs: Inputs, tables: Mapping[str, pd.DataFrame], out: Path) -> Drawn:
    """Draw every figure of `FIGURES`; one for which there are no data says so in words."""
    gained = tables["gains"]
    public = float(tables["averages"].query("kind == 'baseline'")["average"].iloc[0])
    ringed = often_unread(inputs.scores)
    ranks = sorted(set(numbered(gained)["effective_rank"]))
    figures: dict[str, Callable[[], Figure]] = {
        "chosen": lambda: chosen.chosen(tables["chosen"]),
        "domain_gain": lambda: curves.domain_gain(gained, tables["r95"], ringed),
        "r95": lambda: places.r95(tables["r95"], ranks),
        "best_ranks": lambda: places.best_ranks(tables["best_ranks"], ranks),
        "score_by_rank": lambda: curves.score_by_rank(gained, ringed),
        "heatmap": lambda: heatmaps.heatmap(gained, ringed),
        "heatmap_groups": lambda: heatmaps.heatmap_groups(gained, ringed),
        "joint_by_rank": lambda: mixtures.joint_by_rank(tables["joint"], public, ringed),
        "rules": lambda: choices.rules(tables["selections"], tables["heldout"]),
        "parameters": lambda: mixtures.parameters(tables["parameters"], public),
        "budget": lambda: choices.budget(tables["budget"], tables["additivity"]),
        "regression": lambda: regression.regression(gained, tables["regression"], tables["regression_fits"]),
        "spectra": lambda: spectra.spectra(inputs.spectra),
        "error_by_rank": lambda: spectra.error_by_rank(inputs.adapters),
    }
    drawn = Drawn([], {})
    with style.styled():
        for name in FIGURES:
            figure = figures[name]()
            drawn.paths.extend(style.save(figure, out, name))
            if why := style.undrawn(figure):
                drawn.undrawn[name] = why
    return drawn


def write_report(folder: Path, out: Path, about: About, captions: Path) -> list[Path]:
    """Draw `out`/figures/ and write `out`/README.md and explore.html.

    They are made from the collected tables in `folder` and the analysed ones in `out`/tables/.

    Args:
        captions: a folder of <figure>.rst.
    """
    inputs, tables = read_inputs(folder, about.seed, about.experts), read_tables(out / "tables")
    drawn = draw(inputs, tables, out / "figures")
    content = Content(
        tables,
        about,
        versions=inputs.versions,
        left_out=inputs.left_out,
        pictures=Pictures(read_captions(captions, about.settings), drawn.undrawn),
        beside=[name for name in BESIDE if (out / name).is_file()],
    )
    write_text(out / "README.md", readme(content))
    write_text(out / "explore.html", explore(tables, inputs.scores, headed(about, inputs.left_out), about.settings))
    return drawn.paths
