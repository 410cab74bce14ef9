"""Bootstrap draws of the pairs' gains: what every interval on a curve over ranks is read from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.statistics.gains import score_errors
from flexmore.analysis.statistics.items import ItemScores, item_scores_of
from flexmore.analysis.statistics.resampling import over_errors, over_items, over_tasks
from flexmore.analysis.statistics.scopes import Array, Scopes, matrix, scopes_of
from flexmore.analysis.tables.ranks import full, numbered
from flexmore.config.analysis import AnalysisSettings

SCOPES = ("average", "skill", "group", "domain")


@dataclass(frozen=True)
class PairDraws:
    """Draws of the gains over public of every distinct adapter and of the full experts.

    Attributes:
        mixtures: a row each.
        scopes: of the last axis.
        items: draws x mixtures x scopes, over items within tasks.
        tasks: the same over tasks within groups; missing where a group has a single task.
        paired: whether the items were known; else `items` are normal draws from the scores' standard errors.
    """

    mixtures: tuple[str, ...]
    scopes: Scopes
    items: Array
    tasks: Array
    paired: bool

    def of(self, mixtures: Sequence[str], scope: str, name: str) -> tuple[Array, Array]:
        """The draws of some mixtures on one scope, over items and over tasks: draws x mixtures each."""
        rows = [self.mixtures.index(mixture) for mixture in mixtures]
        found = self.scopes.index
        column = int(np.flatnonzero((found["scope"] == scope) & (found["name"] == name))[0])
        return self.items[:, rows, column], self.tasks[:, rows, column]


def distinct(scores: pd.DataFrame) -> list[str]:
    """The pairs and extras that are distinct adapters, full included, in the table's order."""
    about = scores[["mixture", "kind", "experts", "rank", "effective_rank", "active"]].drop_duplicates("mixture")
    about = about[about["kind"].isin(["pair", "extra"])]
    kept = {*numbered(about)["mixture"], *full(about)["mixture"]}
    return [str(mixture) for mixture in about["mixture"] if mixture in kept]


def draw_pairs(scores: pd.DataFrame, items: pd.DataFrame | None, settings: AnalysisSettings) -> PairDraws:
    """Draw the gains of every distinct pair, on every scope but single tasks."""
    baseline = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    mixtures = [baseline, *distinct(scores)]
    scopes = scopes_of(scores, settings.skills).only(SCOPES)
    part = scores[scores["mixture"].isin(mixtures)]
    means = matrix(part, "score", scopes.tasks).loc[mixtures].to_numpy()
    if items is None:
        order = list(part["mixture"].unique())
        stderr = score_errors(part, None, scopes)[0][[order.index(name) for name in mixtures]]
        drawn = over_errors(means, stderr, scopes, settings.draws, settings.seed)
    else:
        drawn = over_items(pair_answers(scores, items, mixtures), scopes, settings.draws, settings.seed)
    groups = pd.factorize(scores.drop_duplicates("task").set_index("task")["group"].loc[scopes.tasks])[0]
    other = over_tasks(means, scopes, np.asarray(groups), settings.draws, settings.seed + 1)
    gained = (drawn[:, 1:] - drawn[:, :1], other[:, 1:] - other[:, :1])
    return PairDraws(tuple(mixtures[1:]), scopes, *gained, items is not None)


def pair_answers(scores: pd.DataFrame, items: pd.DataFrame, mixtures: Sequence[str]) -> ItemScores:
    """The items of `mixtures`, the baseline among them, on the table's tasks in its order."""
    baseline = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    return item_scores_of(items, mixtures, list(scores["task"].unique()), baseline)


def ends(draws: Array, confidence: float) -> tuple[Array, Array]:
    """The percentile interval of draws along the first axis; missing where any draw is missing."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0, method="inverted_cdf")
    unknown = np.isnan(draws).any(axis=0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)
