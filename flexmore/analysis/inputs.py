"""The collected tables that an analysis starts from, read from a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from flexmore.analysis.statistics.item_scores import ItemScores, item_scores_of
from flexmore.analysis.statistics.scopes import matrix
from flexmore.analysis.tables.scores import read_controls
from flexmore.analysis.tables.storage import read_table
from flexmore.analysis.tables.twins import read_folder
from flexmore.errors import FlexmoreError

SEEDS = "seeds"
"""Beside `tables/`: `seeds/<seed>/tables/`, the collected tables of further runs that differ only in their seed."""


@dataclass(frozen=True)
class Inputs:
    """Hold all that tables and figures are made from; a table that is None is not there.

    Attributes:
        scores: the tidy table, without controls.
        items: the value of each item.
        controls: the rows of the controls, columns as `scores`.
        clusters: of tasks that declare them, the cluster of each item: columns task, clusters.
        left_out: of an unfinished study, what the tables leave out (`flexmore.analysis.tables.partial`); None where
            the study is whole.
        seed: the training seed of this run, as it is called where there are several.
        others: further runs, by seed.
    """

    scores: pd.DataFrame
    items: pd.DataFrame | None = None
    controls: pd.DataFrame | None = None
    adapters: pd.DataFrame | None = None
    spectra: pd.DataFrame | None = None
    versions: pd.DataFrame | None = None
    clusters: pd.DataFrame | None = None
    left_out: pd.DataFrame | None = None
    seed: str = "this run"
    others: Mapping[str, "Inputs"] = field(default_factory=dict)

    def item_scores(self) -> ItemScores | None:
        """Return the items of every mixture of the table, the baseline first; None where there are none.

        Raises:
            FlexmoreError: items are missing, or do not average to the scores: they belong to another evaluation.
        """
        if self.items is None:
            return None
        scores = self.scores
        baseline = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
        others = [str(name) for name in scores["mixture"].unique() if name != baseline]
        tasks = list(scores["task"].unique())
        found = item_scores_of(self.items, [baseline, *others], tasks, baseline, self.clusters)
        stated = matrix(scores, "score", list(found.tasks)).loc[list(found.names)].to_numpy()
        wrong = np.abs(found.means() - stated) > 1e-4
        if wrong.any():
            row, column = (int(place[0]) for place in np.nonzero(wrong))
            mean = found.values[column][row].mean()
            raise FlexmoreError(
                f"items of {found.names[row]} on {found.tasks[column]} average to {mean:.4f}, which is not their "
                f"score ({int(wrong.sum())} such); the items belong to other scores: collect both again"
            )
        self._check_clusters(found)
        return found

    def _check_clusters(self, found: ItemScores) -> None:
        """Check that each task has as many clusters as items, where it has any."""
        if self.clusters is None:
            return
        counts = {
            str(task): len(own) for task, own in zip(self.clusters["task"], self.clusters["clusters"], strict=True)
        }
        for task, values in zip(found.tasks, found.values, strict=True):
            if task in counts and counts[task] != values.shape[1]:
                raise FlexmoreError(
                    f"task {task} has {counts[task]} clusters for {values.shape[1]} items; they belong to other items: "
                    "collect both again"
                )


def read_inputs(folder: Path, seed: str = "this run", experts: Sequence[str] | None = None) -> Inputs:
    """Read the collected tables of a folder, and those of further seeds in ../seeds/<seed>/tables/.

    There must be scores.parquet or scores.csv, both only where they say the same; items.parquet, clusters.parquet,
    controls.csv, adapters.csv, spectra.parquet and versions.csv are read where they are there.

    Args:
        folder: holds the tables.
        seed: what this run is called among them.
        experts: of the family; None: those that the table has.

    Raises:
        FlexmoreError: there are no scores, a table is not valid, or a further run has this run's seed or is not
            complete.
    """
    others = {}
    for path in sorted((folder.parent / SEEDS).glob("*/tables")):
        if path.parent.name == seed:
            raise FlexmoreError(f"{path}: seed {seed} is the main run's already; keep one of the two")
        others[path.parent.name] = other = _read_run(path, path.parent.name, experts)
        if other.left_out is not None:
            raise FlexmoreError(f"{path}: the tables of a study that is not complete; a seed beside others must be")
    return replace(_read_run(folder, seed, experts), others=others)


def _read_run(folder: Path, seed: str, experts: Sequence[str] | None) -> Inputs:
    """Read the tables of one run."""

    def maybe(name: str) -> pd.DataFrame | None:
        return read_table(folder / name) if (folder / name).exists() else None

    clusters, controls = maybe("clusters.parquet"), folder / "controls.csv"
    return Inputs(
        scores=read_folder(folder, experts),
        items=maybe("items.parquet"),
        controls=read_controls(controls) if controls.exists() else None,
        adapters=maybe("adapters.csv"),
        spectra=maybe("spectra.parquet"),
        versions=maybe("versions.csv"),
        clusters=None if clusters is None or clusters.empty else clusters,
        left_out=maybe("left_out.csv"),
        seed=seed,
    )
