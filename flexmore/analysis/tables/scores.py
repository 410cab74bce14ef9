"""The tidy table of scores, a row per mixture and task: read, typed and in order."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flexmore.analysis.ranks import rank_order
from flexmore.analysis.tables.columns import COLUMNS, COUNTS, KINDS, REAL, REQUIRED, TEXT, WHOLE
from flexmore.analysis.tables.storage import read_table
from flexmore.analysis.tables.validation import validate
from flexmore.config.names import GROUPS
from flexmore.errors import FlexmoreError


def read_scores(path: Path, experts: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a tidy table of scores, check it (`validate`) and put it in order; ranks may be written as numbers.

    Columns that it may lack (`columns.OPTIONAL`) are added, empty or missing.

    Args:
        experts: of the family; None: those that the table has.

    Raises:
        FlexmoreError: it is no such table.
    """
    scores = read_table(path)
    if scores.empty:
        raise FlexmoreError(f"{path}: no rows; expected a row for each mixture and task (docs/tables.md)")
    _check_numbers(scores, path)
    validate(scores, str(path), experts)
    return arrange(typed(scores))


def read_controls(path: Path) -> pd.DataFrame:
    """Read the rows of the controls, which may be none.

    Raises:
        FlexmoreError: they have not the columns of a tidy table, or no numbers in them.
    """
    controls = read_table(path)
    if missing := [column for column in REQUIRED if column not in controls.columns]:
        raise FlexmoreError(f"{path}: columns missing: {', '.join(missing)}; expected those of the table of scores")
    if controls.empty:
        return typed(pd.DataFrame(columns=controls.columns))
    _check_numbers(controls, path)
    return typed(controls)


def _check_numbers(scores: pd.DataFrame, path: Path) -> None:
    """Check that columns of numbers hold numbers."""
    for column in (*WHOLE, *COUNTS, *REAL):
        if column in scores.columns and not pd.api.types.is_numeric_dtype(scores[column]):
            raise FlexmoreError(f"{path}: column {column} holds {scores[column].iloc[0]!r}; expected numbers")
    for column in WHOLE:
        if column in scores.columns and (wrong := scores[scores[column].isna() | (scores[column] % 1 != 0)]).size:
            row = wrong.iloc[0]
            raise FlexmoreError(f"{path}: {column} of {row.get('mixture')} is {row[column]}; expected a whole number")


def typed(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the table with every column of `COLUMNS`, each in its type, and behind them those that it has besides."""
    types = dict.fromkeys(TEXT, "str") | dict.fromkeys(WHOLE, "int64")
    types |= dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(REAL, "float64")
    others = [column for column in scores.columns if column not in COLUMNS]
    scores = scores.reindex(columns=[*COLUMNS, *others])
    answer = scores["answer"].astype("object").fillna("")
    return scores.assign(answer=answer).astype({column: types[column] for column in COLUMNS})


def arrange(scores: pd.DataFrame) -> pd.DataFrame:
    """Sort the rows: baseline, pairs by expert and rank, joint by active and rank, extras, controls; then by task."""
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


def split_controls(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the rows into those of the study's mixtures and those of its controls (`tables/controls.csv`)."""
    control = scores["kind"] == "control"
    return scores[~control].reset_index(drop=True), scores[control].reset_index(drop=True)
