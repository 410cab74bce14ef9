"""Item scores summed in blocks of clusters, from which errors and held-out halves of many contrasts are cheap.

The clusters are dealt into 40 blocks (random groups, Wolter 2007, chapter 2). A block's residual says how much a mean
would move without it, so the squared residuals give the standard error of any contrast, with 39 degrees of freedom; a
half of the items is half of the blocks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexmore.analysis.statistics.clusters import random_order
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Array

BLOCKS = 40
_DEALT_AS = "blocks"


@dataclass(frozen=True)
class Blocks:
    """Hold sums of item scores.

    Attributes:
        names: of the rows: mixtures.
        sums: rows x tasks x blocks.
        counts: how many items: tasks x blocks.
    """

    names: tuple[str, ...]
    sums: Array
    counts: Array

    @property
    def means(self) -> Array:
        """Return means over all items: rows x tasks."""
        means: Array = self.sums.sum(axis=2) / self.counts.sum(axis=1)
        return means

    @property
    def residuals(self) -> Array:
        """Return each block's part of the deviation of a task's mean: rows x tasks x blocks; sums are zero."""
        total = self.counts.sum(axis=1)[:, None]
        residuals: Array = (self.sums - self.counts * self.means[:, :, None]) / total
        return residuals

    def half_means(self, halves: NDArray[np.bool_]) -> Array:
        """Return the means over the items of some halves.

        Args:
            halves: halves x blocks.

        Returns:
            rows x tasks x halves; where a task has no item in a half, its mean over all items.
        """
        chosen = halves.astype(self.sums.dtype).T
        counts = self.counts @ chosen
        with np.errstate(divide="ignore", invalid="ignore"):
            means: Array = np.where(counts > 0, (self.sums @ chosen) / counts, self.means[:, :, None])
        return means


def blocks_of(item_scores: ItemScores) -> Blocks:
    """Deal the clusters into blocks and sum the items of each.

    Of every stratum each block gets as many clusters as any other, but for one. Neighbours (2k, 2k + 1) are filled one
    after the other, so that of a task with two clusters both blocks of some pair have one.
    """
    strata, first, dealt = item_scores.strata, 0, []
    for stratum in strata.each:
        text = f"{_DEALT_AS}/{'+'.join(item_scores.tasks[task] for task in stratum.tasks)}"
        block = np.empty(stratum.count, dtype=np.int64)
        block[random_order(text, stratum.count)] = (first + np.arange(stratum.count)) % BLOCKS
        dealt.append(block)
        first = (first + stratum.count + stratum.count % 2) % BLOCKS
    sums, counts = [], []
    for value, block in zip(item_scores.values, strata.spread(dealt), strict=True):
        member = np.equal.outer(block, np.arange(BLOCKS)).astype(value.dtype)
        sums.append(value @ member)
        counts.append(member.sum(axis=0))
    return Blocks(item_scores.names, np.stack(sums, axis=1), np.stack(counts))


def paired_halves(text: str, salts: int, pairs: int) -> NDArray[np.bool_]:
    """Choose one of every two neighbours, several times: the first half of each way of dealing.

    Args:
        text: what the choice depends on, and nothing else.
        salts: how many ways of dealing.
        pairs: how many pairs of neighbours.

    Returns:
        salts x 2 * pairs.
    """
    halves = np.zeros((salts, 2 * pairs), dtype=np.bool_)
    for salt in range(salts):
        first = random_order(f"{text}/{salt}", 2 * pairs).reshape(pairs, 2)
        halves[salt, 2 * np.arange(pairs) + (first[:, 0] > first[:, 1])] = True
    return halves
