"""From the score files of a study to its collected tables: scores, items, clusters, controls, versions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flexmore.analysis.tables.columns import CLUSTER_COLUMNS, COLUMNS, ITEM_COLUMNS
from flexmore.analysis.tables.partial import complete_part
from flexmore.analysis.tables.scores import arrange, split_controls, typed
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.analysis.tables.validation import validate
from flexmore.errors import FlexmoreError
from flexmore.files import read_json
from flexmore.mixtures.recipe import Recipe


@dataclass(frozen=True)
class Collected:
    """Hold what the score files of a study say, controls among them (see `split_controls`).

    Attributes:
        scores: columns `COLUMNS`, a row per mixture and task.
        items: columns `ITEM_COLUMNS`, the same rows.
        clusters: columns `CLUSTER_COLUMNS`, a row per task that declares clusters.
    """

    scores: pd.DataFrame
    items: pd.DataFrame
    clusters: pd.DataFrame

    def write(self, out: Path) -> None:
        """Write scores, controls, items and clusters into a folder."""
        scores, controls = split_controls(self.scores)
        write_parquet(out / "scores.parquet", scores)
        write_csv(out / "scores.csv", scores)
        write_csv(out / "controls.csv", controls)
        write_parquet(out / "items.parquet", self.items)
        write_parquet(out / "clusters.parquet", self.clusters)


def collect_scores(score_files: Mapping[str, Path], recipes: Iterable[Recipe], out: Path) -> None:
    """Write scores, items, clusters, controls and versions of a study into `out`.

    `score_files` and `recipes` are as for `collect`.
    """
    collect(score_files, recipes).write(out)
    write_csv(out / "versions.csv", collect_versions(score_files))


def collect(score_files: Mapping[str, Path], recipes: Iterable[Recipe]) -> Collected:
    """Read the score files of all mixtures, in a fixed order; every score is in the tables, whatever it is.

    Args:
        score_files: mixture name -> its `scores/<sweep>/<mixture>.json`.
        recipes: of the mixtures that the study has; each needs a score file.

    Raises:
        FlexmoreError: a file or a key is missing, mixtures disagree on a task's clusters, or the table is not valid
            (`validate`).
    """
    found = _read(score_files, recipes)
    return _finish(found, found.scores)


def collect_available(
    score_files: Mapping[str, Path], recipes: Iterable[Recipe], mixtures: Sequence[str], tasks: Sequence[str],
    experts: Sequence[str],
) -> tuple[Collected, pd.DataFrame]:  # fmt: skip
    """Read what there is of an unfinished study: the part in which every mixture has every task.

    Args:
        score_files: as for `collect`; files may lack tasks.
        recipes: of the mixtures that have a file.
        mixtures: of the whole study, the first of them its public baseline.
        tasks: of the whole study.
        experts: of the family.

    Returns:
        What `collect` returns; and what is left out (`flexmore.analysis.tables.partial`).

    Raises:
        FlexmoreError: as for `collect`, or nothing is left.
    """
    found = _read(score_files, recipes)
    kept, left_out = complete_part(found.scores, mixtures, tasks, mixtures[0])
    return _finish(found, kept, experts), left_out


def _read(score_files: Mapping[str, Path], recipes: Iterable[Recipe]) -> Collected:
    """Read the rows of all mixtures, as they come."""
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    clusters: dict[str, tuple[str, list[str]]] = {}
    for recipe in recipes:
        name = recipe.mixture.name
        if name not in score_files:
            raise FlexmoreError(f"mixture {name}: no score file; evaluate it, then collect again")
        records = read_records(score_files[name], name)
        own_rows, own_items = _read_scores(score_files[name], records, recipe)
        rows += own_rows
        items += own_items
        _add_clusters(clusters, name, records)
    return Collected(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        pd.DataFrame(items, columns=list(ITEM_COLUMNS)),
        pd.DataFrame([(task, own) for task, (_, own) in clusters.items()], columns=list(CLUSTER_COLUMNS)),
    )


def _finish(found: Collected, rows: pd.DataFrame, experts: Sequence[str] | None = None) -> Collected:
    """Return these rows of what was read, typed and in order, with their items and clusters.

    Raises:
        FlexmoreError: the table is not valid.
    """
    scores = arrange(typed(rows))
    validate(scores, experts=experts)
    items = scores[["mixture", "task"]].merge(found.items, on=["mixture", "task"], validate="one_to_one")
    clusters = found.clusters[found.clusters["task"].isin(scores["task"])].reset_index(drop=True)
    return Collected(scores, items, clusters)


def _read_scores(
    path: Path, records: Mapping[str, Mapping[str, Any]], recipe: Recipe
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows and the items of one mixture from the records of its score file."""
    about, name = _describe(recipe), recipe.mixture.name
    rows, items = [], []
    for task, record in records.items():
        try:
            stderr = record["stderr"]
            rows.append(
                about
                | {key: record[key] for key in ("group", "metric", "score", "n", "answer", "unread", "cut")}
                | {"task": task, "domain": record["domain"] or "", "chance": record.get("chance")}
                | {"stderr": float("nan") if stderr is None else stderr}
            )
            items.append({"mixture": name, "task": task, "items": record["items"]})
        except KeyError as error:
            raise FlexmoreError(f"{path}: task {task} has no {error}; delete the file and evaluate again") from None
    return rows, items


def _add_clusters(
    known: dict[str, tuple[str, list[str]]], mixture: str, records: Mapping[str, Mapping[str, Any]]
) -> None:
    """Add the clusters of a mixture's tasks to the known ones: by task, whose they are, and the clusters.

    Raises:
        FlexmoreError: they are others than another mixture's, or other in number than the items.
    """
    for task, record in records.items():
        own = record.get("clusters")
        if own is None:
            continue
        first, there = known.setdefault(task, (mixture, own))
        if own != there or len(own) != len(record["items"]):
            raise FlexmoreError(
                f"task {task}: {mixture} has {len(own)} clusters for {len(record['items'])} items, others than {first} "
                "has; they were evaluated on different documents: evaluate both again"
            )


def _describe(recipe: Recipe) -> dict[str, Any]:
    """Return the columns that are the same in every row of a mixture."""
    mixture = recipe.mixture
    numbered = mixture.rank.isdigit() and len(recipe.effective_ranks) > 0
    return {
        "mixture": mixture.name,
        "kind": mixture.kind,
        "experts": "+".join(mixture.experts),
        "rank": mixture.rank,
        "effective_rank": str(recipe.effective_ranks[0]) if numbered else mixture.rank,
        "active": mixture.active,
        "parameters": recipe.parameters["total"],
    }


def read_records(path: Path, mixture: str) -> dict[str, dict[str, Any]]:
    """Return the record of each task in a mixture's score file.

    Raises:
        FlexmoreError: it is no file of that mixture's scores.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("mixture") != mixture or not isinstance(content.get("tasks"), dict):
        raise FlexmoreError(f"{path}: expected the scores of mixture {mixture} (keys mixture, tasks); evaluate again")
    tasks: dict[str, dict[str, Any]] = content["tasks"]
    return tasks


def collect_versions(score_files: Mapping[str, Path]) -> pd.DataFrame:
    """Count which versions the scores come from: columns what, version, mixtures (how many).

    Several rows of one `what` mean that the table mixes versions.
    """
    counts = Counter(
        (str(key), value)
        for path in score_files.values()
        for key, values in (read_json(path).get("versions") or {}).items()
        for value in str(values).split(", ")  # several, where versions changed between the tasks of a mixture
    )
    rows = [(what, version, count) for (what, version), count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["what", "version", "mixtures"])
