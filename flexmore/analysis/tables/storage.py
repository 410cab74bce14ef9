"""Tables on disk: CSV and Parquet files of the same bytes for the same table, and the tables of an analysis."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from flexmore.analysis.tables.catalogue import TABLES, TEXT_COLUMNS
from flexmore.analysis.tables.columns import CLUSTER_COLUMNS, ITEM_COLUMNS, TEXT
from flexmore.errors import FlexmoreError
from flexmore.files import atomic_file, write_text

_NAMES = {*TEXT, "expert", "projection", "what", "version", "source"}
"""Columns of collected tables that hold names, which are text whatever they look like."""
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None"]
"""What stands for a missing number."""
_SCHEMAS = {
    ITEM_COLUMNS: pa.schema([("mixture", pa.string()), ("task", pa.string()), ("items", pa.list_(pa.float32()))]),
    CLUSTER_COLUMNS: pa.schema([("task", pa.string()), ("clusters", pa.list_(pa.string()))]),
}
"""Of tables that hold lists, by their columns."""


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV; floats keep all their digits, so the same table is the same bytes."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet, without the writer's versions in its metadata."""
    schema = _SCHEMAS.get(tuple(frame.columns))
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False).replace_schema_metadata(None)
    with atomic_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """Read a collected table from .csv or .parquet.

    Empty cells are empty strings in columns of names, missing values elsewhere. A name is text whatever it looks like:
    `NA`, `null` and `true` are names, and `7` is one too where a table of others has it as a number.

    Raises:
        FlexmoreError: the file is missing or cannot be read as its suffix says.
    """
    try:
        if path.suffix == ".parquet":
            table: pd.DataFrame = pq.read_table(path).to_pandas()
            return table.assign(**{name: _as_names(table[name]) for name in table.columns if name in _NAMES})
        header = pd.read_csv(path, nrows=0).columns
        text = dict.fromkeys((column for column in header if column in _NAMES), "str")
        missing = {column: [""] if column in text else _MISSING for column in header}
        frame = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=missing)
        return frame.fillna(dict.fromkeys(text, ""))
    except FileNotFoundError:
        raise FlexmoreError(f"{path}: not found; run the step that makes it, or name another folder") from None
    except (ValueError, pa.ArrowException) as error:
        raise FlexmoreError(f"{path}: not a {path.suffix} table ({error}); delete it and make it again") from error


def _as_names(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column of names as text: whole numbers without a decimal point, missing ones as empty text."""
    if isinstance(column.dtype, pd.StringDtype) and not column.hasnans:
        return column

    def as_name(value: Any) -> str:
        if pd.isna(value):
            return ""
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

    return column.astype("object").map(as_name).astype("str")


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write every table of `TABLES` as <name>.csv."""
    for name in TABLES:
        write_csv(folder / f"{name}.csv", tables[name])


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read what `write_tables` wrote.

    Raises:
        FlexmoreError: a table is missing.
    """
    return {name: _read_analysed(folder / f"{name}.csv") for name in TABLES}


def _read_analysed(path: Path) -> pd.DataFrame:
    """Read a table of `TABLES`; empty cells of `TEXT_COLUMNS` are empty strings, others missing values."""
    try:
        columns = pd.read_csv(path, nrows=0).columns
        text = [column for column in columns if column in TEXT_COLUMNS or column.startswith("rank of ")]
        table = pd.read_csv(path, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise FlexmoreError(f"{path}: not found; `flexmore analyze` makes it") from None
    return table.assign(**{column: table[column].fillna("") for column in text})
