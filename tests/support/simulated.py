"""Studies drawn at random from a known truth, for witnesses: made anew hundreds of times, so only arrays change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Array

RANKS = (1, 2, 4, 8, 16, 32, 64)
X = np.log2(RANKS)
PUBLIC = 0.25


def logistic(midpoint: float, steepness: float = 1.5) -> Array:
    """Share of full's gain at each of RANKS and at full, which 64 equals: 1 there."""
    shares = 1 / (1 + np.exp(-steepness * (X - np.log2(midpoint))))
    return np.append(shares / shares[-1], 1.0)


@dataclass(frozen=True)
class Design:
    """Who is asked what.

    Attributes:
        groups: group -> number of tasks.
        items: of each task.
        luck: the share of a mixture's answers that are its own luck; the others follow each item's difficulty, the
            same for all mixtures, so that differences are paired.
    """

    experts: Sequence[str]
    groups: Mapping[str, int]
    items: int = 40
    luck: float = 0.4

    @property
    def tasks(self) -> list[tuple[str, str]]:
        """Group and name."""
        return [(group, f"{group}_{i}".lower()) for group, count in self.groups.items() for i in range(count)]

    @property
    def mixtures(self) -> list[tuple[str, str, str]]:
        """Name, expert, rank: the baseline, then each expert's pairs by rank, full last."""
        pairs = [(f"{e}-{r}", e, str(r)) for e in self.experts for r in (*RANKS, "full")]
        return [("public", "", "0"), *pairs]

    def draw(self, gain: Array, generator: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, ItemScores]:
        """One study.

        Args:
            gain: true gain of every pair, tasks x experts x (ranks, full).

        Returns:
            The tidy table, the items, and the same as `ItemScores`.
        """
        tasks, mixtures = self.tasks, self.mixtures
        truth = np.concatenate([np.zeros((len(tasks), 1)), gain.reshape(len(tasks), -1)], axis=1) + PUBLIC
        shape = (len(tasks), len(mixtures), self.items)
        difficulty = np.broadcast_to(generator.random((len(tasks), 1, self.items)), shape)
        own = generator.random(shape)
        values = (np.where(generator.random(shape) < self.luck, own, difficulty) < truth[:, :, None]).astype(float)
        # full is the saturated rank but for rounding
        for i in range(len(self.experts)):
            last = 1 + (i + 1) * (len(RANKS) + 1) - 1
            same = generator.random((len(tasks), self.items)) < 0.98
            values[:, last] = np.where(same, values[:, last - 1], values[:, last])
        names = [name for name, _, _ in mixtures]
        item_scores = ItemScores(tuple(names), tuple(task for _, task in tasks), tuple(values))
        return self._table(values), self._items(values), item_scores

    def _table(self, values: Array) -> pd.DataFrame:
        rows = [
            {
                "mixture": name, "kind": "pair" if expert else "baseline", "experts": expert, "rank": rank,
                "effective_rank": rank, "active": 2 if expert else 1, "group": group, "domain": "", "task": task,
                "metric": "acc", "n": self.items,
                "parameters": 1000 + (100 * 64 if rank == "full" else 100 * int(rank)),
            }
            for name, expert, rank in self.mixtures
            for group, task in self.tasks
        ]  # fmt: skip
        means = values.mean(axis=2).T.ravel()
        errors = values.std(axis=2, ddof=1).T.ravel() / np.sqrt(self.items)
        return pd.DataFrame(rows).assign(score=means, stderr=errors)

    def _items(self, values: Array) -> pd.DataFrame:
        rows = [
            {"mixture": name, "task": task, "items": values[i, j]}
            for j, (name, _, _) in enumerate(self.mixtures)
            for i, (_, task) in enumerate(self.tasks)
        ]
        return pd.DataFrame(rows)


def same_for_all(design: Design, shares: Mapping[str, Array], heights: float | Array) -> Array:
    """The same gain on every task: tasks x experts x (ranks, full).

    Args:
        shares: expert -> share of the gain at each rank.
        heights: full's gain, of all tasks or each.
    """
    curves = np.stack([shares[expert] for expert in design.experts])
    each = np.broadcast_to(np.asarray(heights, dtype=float), (len(design.tasks),))
    return each[:, None, None] * curves


def random_item_scores(shape: tuple[int, int, int], seed: int = 0) -> ItemScores:
    """Item scores of 0 or 1: tasks x rows x items."""
    tasks, rows, items = shape
    values = np.random.default_rng(seed).integers(0, 2, (tasks, rows, items)).astype(float)
    return ItemScores(tuple(f"m{i}" for i in range(rows)), tuple(f"t{i}" for i in range(tasks)), tuple(values))
