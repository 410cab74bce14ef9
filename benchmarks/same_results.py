"""Compare two results folders of one study: the values of every table, the pixels of every figure.

    python benchmarks/same_results.py BEFORE AFTER [--renamed old=new ...]

Written for changes that must change no result, such as moving code: run the study at both commits on one machine, then
compare `results/<family>/` of both. `--renamed` says which names of files and columns, and which words in cells, have
changed on purpose. Versions of libraries, commits and times differ between runs and are left out.

Prints a line for each file that differs and a count of what was compared; ends with 1 where anything differs.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.image import imread

LEFT_OUT = {"versions.csv"}
"""Tables that say what computed the results."""


def read_table(path: Path) -> pd.DataFrame:
    """Read a table, whichever of the two forms it has; cells of CSV files stay text."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, dtype="str", keep_default_na=False)


def renamed_table(table: pd.DataFrame, renamed: Mapping[str, str]) -> pd.DataFrame:
    """Give a table the new names of its columns and of the words in its cells."""
    table = table.rename(columns=dict(renamed))
    texts = [column for column in table.columns if pd.api.types.is_string_dtype(table[column])]
    return table.assign(**{column: table[column].replace(dict(renamed)) for column in texts})


def table_difference(before: Path, after: Path, renamed: Mapping[str, str]) -> str | None:
    """Tell the first difference between two tables; None where every value is the same."""
    one, other = renamed_table(read_table(before), renamed), read_table(after)
    if list(one.columns) != list(other.columns):
        return f"columns {sorted(set(one.columns) ^ set(other.columns)) or 'in another order'}"
    if len(one) != len(other):
        return f"{len(one)} rows, then {len(other)}"
    for column in one.columns:
        for row, (a, b) in enumerate(zip(one[column], other[column], strict=True)):
            if not _same(a, b):
                return f"row {row}, {column}: {a!r}, then {b!r}"
    return None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray | list):
        return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
    both_missing = isinstance(one, float) and isinstance(other, float) and np.isnan(one) and np.isnan(other)
    return both_missing or bool(one == other)


def figure_difference(before: Path, after: Path) -> str | None:
    """Tell how many pixels of two pictures differ; None where none does."""
    one, other = imread(before), imread(after)
    if one.shape != other.shape:
        return f"{one.shape} pixels, then {other.shape}"
    differing = int((one != other).any(axis=-1).sum())
    return f"{differing} pixels differ" if differing else None


def score_difference(before: Path, after: Path) -> str | None:
    """Tell which task of a mixture has other values; None where none has."""
    one, other = (json.loads(path.read_text(encoding="utf-8"))["tasks"] for path in (before, after))
    return next((f"task {task}" for task in {**one, **other} if one.get(task) != other.get(task)), None)


def differences(before: Path, after: Path, renamed: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield each compared file with its first difference, or None."""
    kinds = {
        "tables/*.csv": lambda a, b: table_difference(a, b, renamed),
        "tables/*.parquet": lambda a, b: table_difference(a, b, renamed),
        "figures/*.png": figure_difference,
        "scores/*/*.json": score_difference,
    }
    for pattern, difference in kinds.items():
        found = {path.relative_to(before) for path in before.glob(pattern)} - {Path("tables") / n for n in LEFT_OUT}
        expected = {path.with_name(renamed.get(path.stem, path.stem) + path.suffix): path for path in found}
        there = {path.relative_to(after) for path in after.glob(pattern)} - {Path("tables") / n for n in LEFT_OUT}
        for path in sorted(expected.keys() | there):
            if path not in there or path not in expected:
                yield str(path), "missing" if path not in there else "new"
            else:
                yield str(path), difference(before / expected[path], after / path)


def main() -> int:
    """Print what differs; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--renamed", nargs="*", default=[], metavar="OLD=NEW")
    given = parser.parse_args()
    renamed = dict(pair.split("=", 1) for pair in given.renamed)
    compared = list(differences(given.before, given.after, renamed))
    wrong = [(path, said) for path, said in compared if said is not None]
    for path, said in wrong:
        print(f"{path}: {said}")
    print(f"{len(compared)} files compared, {len(wrong)} differ")
    return 1 if wrong or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
