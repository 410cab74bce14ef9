"""The tables of an analysis on disk, and back: what figures and pages are made from."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from flexmore.analysis.artefacts import TABLES
from flexmore.analysis.tables.table import write_csv
from flexmore.errors import FlexmoreError

_TEXT = {
    "mixture", "other", "kind", "experts", "expert", "rank", "effective_rank", "scope", "name", "verdict", "measure",
    "r95", "r95_low", "r95_high", "r95_tasks_low", "r95_tasks_high", "r95_reason", "half_reason", "reading",
    "response", "term", "note", "best_fit", "optimum", "reason", "rule", "reads", "best_rank", "held_out_ranks",
    "closer", "prediction", "subject", "measured", "holds", "quantity", "seed", "text", "says",
}  # fmt: skip


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Publish every table of `TABLES` as <name>.csv."""
    for name in TABLES:
        write_csv(folder / f"{name}.csv", tables[name])


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """What `write_tables` wrote: empty cells are empty texts in columns of words and ranks, else missing values.

    Raises:
        FlexmoreError: a table is missing.
    """
    return {name: _read(folder / f"{name}.csv") for name in TABLES}


def _read(path: Path) -> pd.DataFrame:
    try:
        columns = pd.read_csv(path, nrows=0).columns
        text = [column for column in columns if column in _TEXT or column.startswith("rank of ")]
        table = pd.read_csv(path, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise FlexmoreError(f"{path}: not found; `flexmore analyze` makes it") from None
    return table.assign(**{column: table[column].fillna("") for column in text})
