"""The value of every mixture on every item, from which paired statistics, resampling and held-out halves are made."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexmore.analysis.statistics.scopes import Array
from flexmore.errors import FlexmoreError

SALTS = range(10)
"""Ways in which the items are dealt into halves; what is reported is the mean over all."""


@dataclass(frozen=True)
class ItemScores:
    """Hold the values of items, the same items for every row.

    Attributes:
        names: of the rows: mixtures, or contrasts of mixtures.
        tasks: names of the tasks.
        values: an array per task, rows x items.
    """

    names: tuple[str, ...]
    tasks: tuple[str, ...]
    values: tuple[Array, ...]

    def only(self, names: Sequence[str]) -> "ItemScores":
        """Return the rows of `names`, in that order."""
        place = {name: i for i, name in enumerate(self.names)}
        rows = [place[name] for name in names]
        return ItemScores(tuple(names), self.tasks, tuple(value[rows] for value in self.values))

    def contrast(self, weights: Array, names: Sequence[str]) -> "ItemScores":
        """Return linear combinations of rows, item by item: a gain is +1 for a mixture and -1 for public.

        Args:
            weights: len(names) x rows.
            names: of the combinations.
        """
        return ItemScores(tuple(names), self.tasks, tuple(weights @ value for value in self.values))

    def minus(self, name: str) -> "ItemScores":
        """Return every row less the row `name`, item by item."""
        row = self.names.index(name)
        return ItemScores(self.names, self.tasks, tuple(value - value[row] for value in self.values))

    def less(self, other: "ItemScores") -> "ItemScores":
        """Return the difference to as many rows of `other`, item by item; the names stay."""
        values = tuple(one - two for one, two in zip(self.values, other.values, strict=True))
        return ItemScores(self.names, self.tasks, values)

    def means(self) -> Array:
        """Return means over items, rows x tasks; missing for a task without items."""
        columns = [v.mean(axis=1) if v.shape[1] else np.full(len(v), np.nan) for v in self.values]
        return np.stack(columns, axis=1)

    def errors(self) -> tuple[Array, Array]:
        """Return standard errors of the means and n - 1, both rows x tasks; missing for fewer than two items."""
        stderr = np.full((len(self.names), len(self.tasks)), np.nan)
        freedom = np.full_like(stderr, np.nan)
        for column, value in enumerate(self.values):
            n = value.shape[1]
            freedom[:, column] = n - 1
            if n > 1:
                stderr[:, column] = value.std(axis=1, ddof=1) / np.sqrt(n)
        return stderr, freedom

    def deal(self, salt: int) -> list[NDArray[np.int64]]:
        """Deal the items of every task into two halves by a hash of salt, task and item.

        Returns:
            For each task the half, 0 or 1, of each item; of n items n // 2 are in half 0. The same on any day.
        """
        halves = []
        for task, value in zip(self.tasks, self.values, strict=True):
            n = value.shape[1]
            half = np.ones(n, dtype=np.int64)
            half[np.argsort(_hashes(salt, task, n), kind="stable")[: n // 2]] = 0
            halves.append(half)
        return halves

    def part(self, dealt: Sequence[NDArray[np.int64]], half: int) -> "ItemScores":
        """Return the items that `deal` dealt into one half."""
        values = tuple(value[:, own == half] for value, own in zip(self.values, dealt, strict=True))
        return ItemScores(self.names, self.tasks, values)


def _hashes(salt: int, task: str, items: int) -> Array:
    """Return a number for each item that depends on nothing but salt, task and its index."""
    seed = int.from_bytes(hashlib.sha256(f"{salt}/{task}".encode()).digest()[:8], "little")
    # one hash seeds a generator whose stream is fixed by its specification (PCG64)
    return np.random.Generator(np.random.PCG64(seed)).random(items)


def item_scores_of(items: pd.DataFrame, mixtures: Sequence[str], tasks: Sequence[str], reference: str) -> ItemScores:
    """Take the values of `mixtures` on `tasks` from the table of items.

    Args:
        items: columns mixture, task, items (the values of a task's items, in the order of its documents).
        reference: the mixture whose number of items all others must have: the public baseline.

    Raises:
        FlexmoreError: items are missing, or those of two mixtures differ in number.
    """
    found = dict(zip(zip(items["mixture"], items["task"], strict=True), items["items"], strict=True))
    blocks = []
    for task in tasks:
        expected = len(_values(found, reference, task))
        rows = [_values(found, mixture, task) for mixture in mixtures]
        for mixture, row in zip(mixtures, rows, strict=True):
            if len(row) != expected:
                raise FlexmoreError(
                    f"items of {mixture} on {task}: {len(row)}, but {expected} of {reference}; evaluate "
                    "both on the same documents"
                )
        blocks.append(np.stack(rows).astype(np.float64) if rows else np.zeros((0, expected)))
    return ItemScores(tuple(mixtures), tuple(tasks), tuple(blocks))


def _values(found: dict[tuple[str, str], Array], mixture: str, task: str) -> Array:
    try:
        return np.asarray(found[mixture, task])
    except KeyError:
        raise FlexmoreError(
            f"items of {mixture} on {task}: none; the items belong to other scores: collect both again"
        ) from None
