"""The sections on what there is beside the page: further figures, tables, commands, versions."""

from collections.abc import Sequence

import pandas as pd

from flexmore.analysis.tables.catalogue import TABLE_ROWS, TABLES
from flexmore.report.figures.catalogue import FIGURES
from flexmore.report.page.about import About
from flexmore.report.page.content import Tables
from flexmore.report.page.formatting import count, markdown
from flexmore.report.page.pictures import Pictures

SHOWN = (
    "chosen", "domain_gain", "r95", "best_ranks", "heatmap_groups", "joint_by_rank", "rules", "budget", "regression",
)  # fmt: skip
"""Figures that are in the section of their subject."""


def other_figures(pictures: Pictures) -> str:
    """Show the figures that no other section shows, and say which could not be drawn."""
    shown = [pictures.show(name) for name in FIGURES if name not in SHOWN]
    missing = "; ".join(pictures.undrawn.values())
    return "\n\n".join(filter(None, [*shown, f"Not drawn: {missing}." if missing else ""]))


def every_table(tables: Tables) -> str:
    """List all tables."""
    rows = [[f"`tables/{name}.csv`", TABLE_ROWS[name], count(len(tables[name]))] for name in TABLES]
    return (
        "All of these are computed from the measured ones (`tables/scores.parquet`, `items.parquet`, "
        "`clusters.parquet`, `controls.csv`, `spectra.parquet`, `adapters.csv`, `versions.csv`, as far as a study has "
        "them). Scores and gains in tables are shares of one; here they are points, hundredths. What the columns mean "
        "stands in `docs/tables.md`; tables too large to commit are made by the command below.\n\n"
    ) + markdown(["table", "a row is", "rows"], rows)


def again(tables: Tables, about: About, versions: pd.DataFrame | None, beside: Sequence[str]) -> str:
    """Write the commands, versions and configuration."""
    lines = []
    if about.command:
        lines.append(f"The tables were measured by\n\n```\n{about.command}\n```")
        lines.append(
            "All tables, figures and this page again from the measured ones, from the repository's root, without torch "
            "and in seconds:\n\n```\npip install -e . && snakemake figures --cores 1\n```\n\n"
            f"They go to `results/{about.family}/reported/`; where the study was run, they are made from its own "
            f"tables, in `results/{about.family}/`."
        )
    else:
        lines.append("`flexmore report` on this folder makes all tables, figures and this page again.")
    lines.append(
        "`explore.html` is made as well, one page in which every mixture, task and rank can be looked at, with no "
        "network."
    )
    if "NOTES.md" in beside:
        more = ", and how the further seeds were made" if tables["seeds"]["seed"].nunique() > 1 else ""
        lines.append(f"How these runs came to be the ones shown{more}: [NOTES.md](NOTES.md).")
    if "config.yaml" in beside:
        lines.append("The configuration, every default written out: [config.yaml](config.yaml).")
    if versions is not None and len(versions):
        rows = [[row["what"], row["version"], row["mixtures"]] for _, row in versions.iterrows()]
        mixed = versions.duplicated("what").any()
        text = "**The scores mix versions.**" if mixed else "All scores come from the same versions."
        lines.append(f"{text}\n\n{markdown(['what', 'version', 'mixtures'], rows)}")
    return "\n\n".join(lines)
