"""The tidy table of scores: a row per mixture x task, and beside it the items for paired statistics."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flexmore.analysis.tables.checks import COLUMNS, ITEM_COLUMNS, KINDS, REAL, TEXT, WHOLE, validate
from flexmore.analysis.tables.quarantine import quarantine
from flexmore.analysis.tables.ranks import rank_order
from flexmore.config.names import GROUPS
from flexmore.errors import FlexmoreError
from flexmore.files import atomic_file, read_json, write_text
from flexmore.mixtures.recipe import Recipe

_ITEM_SCHEMA = pa.schema([("mixture", pa.string()), ("task", pa.string()), ("items", pa.list_(pa.float32()))])


def collect(
    score_files: Mapping[str, Path], recipes: Iterable[Recipe], leave_out: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the score files of all mixtures into the tidy table and the table of items, in a fixed order.

    What is quarantined is in neither, nor what goes with it (`flexmore.analysis.tables.quarantine`).

    Args:
        score_files: mixture name -> its `scores/<sweep>/<mixture>.json`.
        recipes: of the mixtures that the study has; each needs a score file.
        leave_out: of what is doubtful but has a score, whether tables leave it out.

    Returns:
        scores (columns `COLUMNS`) and items (`ITEM_COLUMNS`), controls among them: see `without_controls`; and what is
        quarantined (`QUARANTINE`).

    Raises:
        FlexmoreError: a file or a key is missing, or the table is not valid (`validate`).
    """
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    for recipe in recipes:
        about = _describe(recipe)
        name = recipe.mixture.name
        if name not in score_files:
            raise FlexmoreError(f"mixture {name}: no score file; evaluate it, then collect again")
        for task, record in _records(score_files[name], name).items():
            try:
                stderr = record["stderr"]
                rows.append(
                    about
                    | {key: record[key] for key in ("group", "metric", "score", "n")}
                    | {"task": task, "domain": record["domain"] or ""}
                    | {"stderr": float("nan") if stderr is None else stderr}
                    | {"alarm": record.get("alarm", ""), "chance": record.get("chance")}
                    | {"sweep": score_files[name].parent.name}
                )
                items.append({"mixture": name, "task": task, "items": record["items"]})
            except KeyError as error:
                raise FlexmoreError(
                    f"{score_files[name]}: task {task} has no {error}; delete the file and evaluate again"
                ) from None
    taken, doubtful = quarantine(pd.DataFrame(rows, columns=[*COLUMNS, "alarm", "chance", "sweep"]), leave_out)
    scores = arrange(typed(taken[list(COLUMNS)]))
    validate(scores)
    table = pd.DataFrame(items, columns=list(ITEM_COLUMNS))
    kept = scores[["mixture", "task"]].merge(table, on=["mixture", "task"], validate="one_to_one")
    return scores, kept, doubtful


def _describe(recipe: Recipe) -> dict[str, Any]:
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
    content = read_json(path)
    if not isinstance(content, dict) or content.get("mixture") != mixture or not isinstance(content.get("tasks"), dict):
        raise FlexmoreError(f"{path}: expected the scores of mixture {mixture} (keys mixture, tasks); evaluate again")
    tasks: dict[str, dict[str, Any]] = content["tasks"]
    return tasks


def typed(scores: pd.DataFrame) -> pd.DataFrame:
    """The columns of a tidy table in their types."""
    types = dict.fromkeys(TEXT, "str") | dict.fromkeys(WHOLE, "int64") | dict.fromkeys(REAL, "float64")
    return scores.astype({column: kind for column, kind in types.items() if column in scores.columns})


def arrange(scores: pd.DataFrame) -> pd.DataFrame:
    """Sort: baseline, pairs by expert and rank, joint by active and rank, extras, controls; tasks too."""
    groups = {group: index for index, group in enumerate(GROUPS)}
    keys = [
        (
            KINDS.index(row.kind) if row.kind in KINDS else len(KINDS),
            "" if row.kind == "joint" else row.experts,
            row.active,
            rank_order(str(row.rank)),
            row.mixture,
            groups.get(str(row.group), len(groups)),
            row.group,
            row.task,
        )
        for row in scores.itertuples()
    ]
    return scores.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)


def without_controls(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split into what the study scores and the controls (`tables/controls.csv`)."""
    control = scores["kind"] == "control"
    return scores[~control].reset_index(drop=True), scores[control].reset_index(drop=True)


def collect_versions(score_files: Mapping[str, Path]) -> pd.DataFrame:
    """Which versions the scores come from: columns what, version, mixtures (how many). Several rows of one
    `what` mean that the table mixes versions."""
    counts = Counter(
        (str(key), value)
        for path in score_files.values()
        for key, values in (read_json(path).get("versions") or {}).items()
        for value in str(values).split(", ")  # of a mixture whose tasks were computed by several
    )
    rows = [(what, version, count) for (what, version), count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["what", "version", "mixtures"])


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Publish a table as CSV; floats keep all their digits, so the same table is the same bytes."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Publish a table as Parquet without the writer's versions in its metadata."""
    schema = _ITEM_SCHEMA if tuple(frame.columns) == ITEM_COLUMNS else None
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """A table from .csv or .parquet; empty cells of text columns stay empty strings, others are missing
    values.

    Raises:
        FlexmoreError: the file is missing or cannot be read as its ending says.
    """
    try:
        if path.suffix == ".parquet":
            table: pd.DataFrame = pq.read_table(path).to_pandas()
            return table
        header = pd.read_csv(path, nrows=0).columns
        text = dict.fromkeys((column for column in header if column in TEXT), "str")
        frame = pd.read_csv(path, dtype=text)
        return frame.fillna(dict.fromkeys(text, ""))
    except FileNotFoundError:
        raise FlexmoreError(f"{path}: not found; run the step that makes it, or name another folder") from None
    except (ValueError, pa.ArrowException) as error:
        raise FlexmoreError(f"{path}: not a {path.suffix} table ({error}); delete it and make it again") from error


def read_scores(path: Path, experts: Sequence[str] | None = None) -> pd.DataFrame:
    """A tidy table of scores, checked (`validate`) and in order. Whole numbers may be written as ranks' labels.

    Raises:
        FlexmoreError: it is not such a table.
    """
    scores = read_table(path)
    texts = [column for column in TEXT if column in scores.columns]
    scores[texts] = scores[texts].astype("object").fillna("").astype("str")
    for column in (*WHOLE, *REAL):
        if column in scores.columns and not pd.api.types.is_numeric_dtype(scores[column]):
            raise FlexmoreError(f"{path}: column {column} holds {scores[column].iloc[0]!r}; expected numbers")
    validate(scores, str(path), experts)
    return arrange(typed(scores))
