"""The value of every mixture on every item, from which paired statistics, resampling and held-out halves are made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexmore.analysis.statistics.clusters import Clusters, Strata, random_order, single_clusters
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
        clusters: of the items; those of a cluster are about the same thing and stay together where items are dealt or
            drawn. None: each item by itself.
    """

    names: tuple[str, ...]
    tasks: tuple[str, ...]
    values: tuple[Array, ...]
    clusters: Clusters | None = None

    @cached_property
    def strata(self) -> Strata:
        """The clusters, in strata of those that have items in the same tasks."""
        return (self.clusters or single_clusters([value.shape[1] for value in self.values])).strata

    def only(self, names: Sequence[str]) -> "ItemScores":
        """Return the rows of `names`, in that order."""
        place = {name: i for i, name in enumerate(self.names)}
        rows = [place[name] for name in names]
        return replace(self, names=tuple(names), values=tuple(value[rows] for value in self.values))

    def contrast(self, weights: Array, names: Sequence[str]) -> "ItemScores":
        """Return linear combinations of rows, item by item: a gain is +1 for a mixture and -1 for public.

        Args:
            weights: len(names) x rows.
            names: of the combinations.
        """
        return replace(self, names=tuple(names), values=tuple(weights @ value for value in self.values))

    def minus(self, name: str) -> "ItemScores":
        """Return every row less the row `name`, item by item."""
        row = self.names.index(name)
        return replace(self, values=tuple(value - value[row] for value in self.values))

    def less(self, other: "ItemScores") -> "ItemScores":
        """Return the difference to as many rows of `other`, item by item; the names stay."""
        values = tuple(one - two for one, two in zip(self.values, other.values, strict=True))
        return replace(self, values=values)

    def means(self) -> Array:
        """Return means over items, rows x tasks; missing for a task without items."""
        columns = [v.mean(axis=1) if v.shape[1] else np.full(len(v), np.nan) for v in self.values]
        return np.stack(columns, axis=1)

    def errors(self) -> tuple[Array, Array]:
        """Return standard errors of the means and n - 1, both rows x tasks; missing for fewer than two items.

        They take the items of a task as independent; `errors.scope_errors` does not.
        """
        stderr = np.full((len(self.names), len(self.tasks)), np.nan)
        freedom = np.full_like(stderr, np.nan)
        for column, value in enumerate(self.values):
            n = value.shape[1]
            freedom[:, column] = n - 1
            if n > 1:
                stderr[:, column] = value.std(axis=1, ddof=1) / np.sqrt(n)
        return stderr, freedom

    def deal(self, salt: int) -> list[NDArray[np.int64]]:
        """Deal the clusters of every stratum into two halves by a hash of salt, tasks and place in the stratum.

        Returns:
            For each task the half, 0 or 1, of each item; of n clusters of a stratum n // 2 are in half 0. The same on
            any day.
        """
        dealt = []
        for stratum in self.strata.each:
            half = np.ones(stratum.count, dtype=np.int64)
            half[random_order(f"{salt}/{self._called(stratum.tasks)}", stratum.count)[: stratum.count // 2]] = 0
            dealt.append(half)
        return self.strata.spread(dealt)

    def part(self, dealt: Sequence[NDArray[np.int64]], half: int) -> "ItemScores":
        """Return the items that `deal` dealt into one half."""
        values = tuple(value[:, own == half] for value, own in zip(self.values, dealt, strict=True))
        clusters = None
        if self.clusters is not None:
            numbers = zip(self.clusters.numbers, dealt, strict=True)
            clusters = Clusters(tuple(number[own == half] for number, own in numbers))
        return ItemScores(self.names, self.tasks, values, clusters)

    def _called(self, tasks: Sequence[int]) -> str:
        """Return the names of some tasks as one text."""
        return "+".join(self.tasks[task] for task in tasks)


def item_scores_of(
    items: pd.DataFrame,
    mixtures: Sequence[str],
    tasks: Sequence[str],
    reference: str,
    clusters: pd.DataFrame | None = None,
) -> ItemScores:
    """Take the values of `mixtures` on `tasks` from the table of items.

    Args:
        items: columns mixture, task, items (the values of a task's items, in the order of its documents).
        clusters: columns task and clusters (a key for each item); None, or a task without a row: each item by itself.
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
    numbers = None if clusters is None else _numbers(clusters, tasks, [block.shape[1] for block in blocks])
    return ItemScores(tuple(mixtures), tuple(tasks), tuple(blocks), numbers)


def _numbers(clusters: pd.DataFrame, tasks: Sequence[str], sizes: Sequence[int]) -> Clusters:
    """Return the cluster that each item of each task is in."""
    keys = dict(zip(clusters["task"], clusters["clusters"], strict=True))
    numbers: dict[str, int] = {}
    found = []
    for task, size in zip(tasks, sizes, strict=True):
        own = [f"{task}/{item}" for item in range(size)] if task not in keys else list(keys[task])
        if len(own) != size:
            raise FlexmoreError(
                f"clusters of {task}: {len(own)}, but {size} items; they belong to other scores: collect both again"
            )
        found.append(np.array([numbers.setdefault(str(key), len(numbers)) for key in own], dtype=np.int64))
    return Clusters(tuple(found))


def _values(found: dict[tuple[str, str], Array], mixture: str, task: str) -> Array:
    try:
        return np.asarray(found[mixture, task])
    except KeyError:
        raise FlexmoreError(
            f"items of {mixture} on {task}: none; the items belong to other scores: collect both again"
        ) from None
