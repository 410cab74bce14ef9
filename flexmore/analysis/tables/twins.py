"""The tidy table of a folder that may be there twice, as Parquet and as CSV: which is read, and whether they agree."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from flexmore.analysis.tables.columns import COUNTS, REAL, WHOLE
from flexmore.analysis.tables.scores import read_scores
from flexmore.errors import FlexmoreError

_KEYS = ["mixture", "task"]
_CLOSE = 1e-9
"""How far numbers may be apart that are the same but for how they are written."""


def scores_file(folder: Path) -> Path:
    """Return the file that the tidy table of a folder is read from: scores.csv only without a scores.parquet."""
    parquet = folder / "scores.parquet"
    return parquet if parquet.exists() else folder / "scores.csv"


def read_folder(folder: Path, experts: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the tidy table of a folder (`read_scores`).

    Args:
        experts: of the family; None: those that the table has.

    Raises:
        FlexmoreError: there is no such table, or it is there twice and the two do not say the same.
    """
    path, csv = scores_file(folder), folder / "scores.csv"
    scores = read_scores(path, experts)
    if path != csv and csv.exists():
        other = read_scores(csv, experts)
        if problem := difference(scores, other):
            raise FlexmoreError(
                f"{csv}: is not what {path.name} beside it says: {problem}; where both are there {path.name} is read: "
                "delete the one that is out of date"
            )
    return scores


def difference(scores: pd.DataFrame, other: pd.DataFrame) -> str | None:
    """Return how one tidy table differs from another, in words; None where both say the same in whatever order."""
    if odd := sorted({*scores.columns} ^ {*other.columns}):
        return f"column {odd[0]} is in one of them only"
    both = scores.merge(other, on=_KEYS, how="outer", suffixes=("", " there"), indicator="side")
    alone = both[both["side"] != "both"]
    if len(alone):
        row = alone.iloc[0]
        return f"{len(alone)} rows are in one of them only, first {row['mixture']} on {row['task']}"
    for column in scores.columns.drop(_KEYS):
        here, there = both[column], both[f"{column} there"]
        if column in (*WHOLE, *COUNTS, *REAL):
            near = (here.astype("float64") - there.astype("float64")).abs() <= _CLOSE
            same = near | (here.isna() & there.isna())
        else:
            same = here == there
        if not same.all():
            row = both[~same].iloc[0]
            cells = f"{row[f'{column} there']} instead of {row[column]}"
            return f"{column} of {row['mixture']} on {row['task']} is {cells} ({int((~same).sum())} such)"
    return None
