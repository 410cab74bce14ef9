"""From the score files of a study to its collected tables: scores, items, controls, quarantine, versions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from flexmore.analysis.tables.columns import COLUMNS, ITEM_COLUMNS
from flexmore.analysis.tables.quarantine import quarantine
from flexmore.analysis.tables.scores import arrange, split_controls, typed
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.analysis.tables.validation import validate
from flexmore.errors import FlexmoreError
from flexmore.files import read_json
from flexmore.mixtures.recipe import Recipe

_EVALUATION_COLUMNS = ("alarm", "chance", "sweep")
"""Columns that quarantine needs and the tidy table does not have."""


def collect_scores(
    score_files: Mapping[str, Path], recipes: Iterable[Recipe], out: Path, leave_out: bool = True
) -> None:
    """Write scores, items, controls, quarantine and versions of a study into `out`.

    `score_files`, `recipes` and `leave_out` are as for `collect`.
    """
    table, items, doubtful = collect(score_files, recipes, leave_out)
    scores, controls = split_controls(table)
    write_parquet(out / "scores.parquet", scores)
    write_csv(out / "scores.csv", scores)
    write_csv(out / "controls.csv", controls)
    write_parquet(out / "items.parquet", items)
    write_csv(out / "quarantine.csv", doubtful)
    write_csv(out / "versions.csv", collect_versions(score_files))


def collect(
    score_files: Mapping[str, Path], recipes: Iterable[Recipe], leave_out: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the score files of all mixtures into the tidy table and the table of items, in a fixed order.

    Quarantined scores, and what must be left out with each, are in neither (`flexmore.analysis.tables.quarantine`).

    Args:
        score_files: mixture name -> its `scores/<sweep>/<mixture>.json`.
        recipes: of the mixtures that the study has; each needs a score file.
        leave_out: whether doubtful scores are left out of the tables; those that have no value always are.

    Returns:
        scores (columns `COLUMNS`) and items (`ITEM_COLUMNS`), controls among them (see `split_controls`); and the
        quarantined scores (`QUARANTINE`).

    Raises:
        FlexmoreError: a file or a key is missing, or the table is not valid (`validate`).
    """
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for recipe in recipes:
        name = recipe.mixture.name
        if name not in score_files:
            raise FlexmoreError(f"mixture {name}: no score file; evaluate it, then collect again")
        own_rows, own_items = _read_scores(score_files[name], recipe)
        rows += own_rows
        items += own_items
    kept, doubtful = quarantine(pd.DataFrame(rows, columns=[*COLUMNS, *_EVALUATION_COLUMNS]), leave_out)
    scores = arrange(typed(kept[list(COLUMNS)]))
    validate(scores)
    table = pd.DataFrame(items, columns=list(ITEM_COLUMNS))
    return scores, scores[["mixture", "task"]].merge(table, on=["mixture", "task"], validate="one_to_one"), doubtful


def _read_scores(path: Path, recipe: Recipe) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read the rows and the items of one mixture from its score file."""
    about, name = _describe(recipe), recipe.mixture.name
    rows, items = [], []
    for task, record in _records(path, name).items():
        try:
            stderr = record["stderr"]
            rows.append(
                about
                | {key: record[key] for key in ("group", "metric", "score", "n")}
                | {"task": task, "domain": record["domain"] or ""}
                | {"stderr": float("nan") if stderr is None else stderr}
                | {"alarm": record.get("alarm", ""), "chance": record.get("chance")}
                | {"sweep": path.parent.name}
            )
            items.append({"mixture": name, "task": task, "items": record["items"]})
        except KeyError as error:
            raise FlexmoreError(f"{path}: task {task} has no {error}; delete the file and evaluate again") from None
    return rows, items


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


def _records(path: Path, mixture: str) -> dict[str, dict[str, Any]]:
    """Return the record of each task in a score file."""
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
