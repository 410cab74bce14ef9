"""The pairs of all experts at the ranks that all have, dealt into halves: statements on best ranks start here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.cross_fit import CrossFit, over_items, over_tasks
from flexmore.analysis.statistics.isotonic import highest, unimodal
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Array, Scopes, scopes_of
from flexmore.config.analysis import AnalysisSettings

PUBLIC = 0
"""The row of the public baseline."""
FEWEST = 3
"""Ranks, below which a curve has no shape."""
_SCOPES = ("average", "skill", "answer", "group")
Places = NDArray[np.int64]


@dataclass(frozen=True)
class HeldOutPairs:
    """Hold what best ranks are chosen from and judged by.

    Attributes:
        experts: their names.
        ranks: the distinct effective ranks of the ladder that all experts have, rising.
        labels: the nominal ranks, as they are written.
        pairs: rows of the pairs, experts x ranks.
        wholes: rows of the full experts; -1 where one was not evaluated.
        items: the halves of items.
        tasks: the halves of tasks.
        wobble: by scope, how far a score moves from rank to rank beyond its items (standard deviation).
    """

    experts: tuple[str, ...]
    ranks: NDArray[np.int64]
    labels: tuple[str, ...]
    pairs: NDArray[np.int64]
    wholes: NDArray[np.int64]
    items: CrossFit
    tasks: CrossFit
    wobble: Array

    @property
    def scopes(self) -> Scopes:
        """Return the scopes: average, skills, chosen and written answers, groups."""
        return self.items.scopes

    def scope(self, kind: str, name: str) -> int:
        """Return the place of a scope, -1 where there is none."""
        return self._places.get((kind, name), -1)

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        """Return the place of every scope, by kind and name."""
        index = self.scopes.index
        return {key: place for place, key in enumerate(zip(index["scope"], index["name"], strict=True))}

    def curves(self, scope: int) -> Array:
        """Return the scores on all items: experts x ranks."""
        found: Array = self.items.whole[scope][self.pairs]
        return found

    def own_places(self, halves: CrossFit, scope: int) -> Places:
        """Return the rank that each expert's own curve chooses in each fold: experts x folds."""
        return highest(halves.train[scope][:, self.pairs]).T

    def others_places(self, halves: CrossFit, scope: int) -> Places:
        """Return the rank that the mean curve of all other experts chooses in each fold: experts x folds.

        So the expert that judges had no part in the choice: neither its items, nor the luck of its adapters.
        """
        curves = halves.train[scope][:, self.pairs]  # folds x experts x ranks
        return highest((curves.sum(axis=1, keepdims=True) - curves) / (len(self.experts) - 1)).T


def held_out_pairs(
    scores: pd.DataFrame, item_scores: ItemScores | None, settings: AnalysisSettings
) -> HeldOutPairs | None:
    """Deal the pairs of a table; None where no items are known, a task has a single one, or there are too few ranks."""
    about = scores.drop_duplicates("mixture")
    ladder = numbered(about[about["kind"] == "pair"], kinds=("pair",))
    grid = ladder.pivot(index="experts", columns="effective_rank", values="mixture").reindex(
        ladder["experts"].drop_duplicates()
    )
    grid = grid.dropna(axis=1)
    if item_scores is None or grid.shape[1] < FEWEST or min(value.shape[1] for value in item_scores.values) < 2:
        return None
    baseline = str(about.loc[about["kind"] == "baseline", "mixture"].iloc[0])
    wholes = full(about[about["kind"] == "pair"]).set_index("experts")["mixture"]
    experts = tuple(str(name) for name in grid.index)
    present = [str(wholes[expert]) for expert in experts if expert in wholes.index]
    names = [baseline, *(str(name) for name in grid.to_numpy().ravel()), *present]
    nominal = ladder.drop_duplicates("effective_rank").set_index("effective_rank")["rank"]
    groups = scores.drop_duplicates("task").set_index("task")["group"]
    return deal_pairs(
        item_scores.only(names),
        scopes_of(scores, settings.skills).only(_SCOPES),
        [str(groups[task]) for task in item_scores.tasks],
        experts,
        tuple(str(nominal[rank]) for rank in grid.columns),
        grid.columns.to_numpy(dtype=np.int64),
        np.array([expert in wholes.index for expert in experts]),
    )


def deal_pairs(
    item_scores: ItemScores,
    scopes: Scopes,
    groups: Sequence[str],
    experts: tuple[str, ...],
    labels: tuple[str, ...],
    ranks: NDArray[np.int64],
    whole: NDArray[np.bool_],
) -> HeldOutPairs:
    """Deal the items and the tasks.

    Args:
        item_scores: public, then the pairs of every expert by rank, then the full experts.
        groups: of each task.
        whole: of which experts there is a full one.
    """
    pairs = 1 + np.arange(len(experts) * len(ranks)).reshape(len(experts), len(ranks))
    wholes = np.where(whole, 1 + pairs.size + np.cumsum(whole) - 1, -1)
    items = over_items(item_scores, scopes)
    tasks = over_tasks(item_scores, scopes, groups)
    wobble = np.array([_wobble(items, scope, pairs) for scope in range(len(scopes.index))])
    return HeldOutPairs(experts, ranks, labels, pairs, wholes, items, tasks, wobble)


def _wobble(items: CrossFit, scope: int, pairs: NDArray[np.int64]) -> float:
    """Return how far scores move from rank to rank beyond what their items explain: a standard deviation.

    It is what the nearest unimodal curves leave (over their degrees of freedom), less the variance over items.
    """
    curves = items.whole[scope][pairs]
    fit, levels = unimodal(curves)
    free = float((curves.shape[1] - levels).sum())
    if free < 1:
        return 0.0
    residuals = items.residuals[scope][pairs]
    centred = residuals - residuals.mean(axis=1, keepdims=True)
    over = float(np.square(centred).sum()) / (len(pairs) * (curves.shape[1] - 1))
    return float(np.sqrt(max(0.0, float(np.square(fit - curves).sum()) / free - over)))
