"""Bootstrap samples of the pairs' gains, from which every interval on a curve over ranks is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.gains import score_errors
from flexmore.analysis.statistics.item_scores import item_scores_of
from flexmore.analysis.statistics.resampling import resample_items, resample_tasks, sample_normal
from flexmore.analysis.statistics.scopes import Array, Scopes, matrix, scopes_of
from flexmore.config.analysis import AnalysisSettings

SCOPES = ("average", "skill", "answer", "group", "domain")


@dataclass(frozen=True)
class GainSamples:
    """Hold bootstrap samples of the gains over public of every distinct adapter and of the full experts.

    Attributes:
        mixtures: of the second axis.
        scopes: of the last axis.
        over_items: samples x mixtures x scopes, items drawn within tasks; where no items are known, normal samples
            from the standard errors of the scores.
        over_tasks: the same with tasks drawn within groups; missing where a group has a single task.
    """

    mixtures: tuple[str, ...]
    scopes: Scopes
    over_items: Array
    over_tasks: Array

    def of(self, mixtures: Sequence[str], scope: str, name: str) -> tuple[Array, Array]:
        """Return the samples of some mixtures on one scope, over items and over tasks: samples x mixtures each."""
        rows = [self.mixtures.index(mixture) for mixture in mixtures]
        found = self.scopes.index
        column = int(np.flatnonzero((found["scope"] == scope) & (found["name"] == name))[0])
        return self.over_items[:, rows, column], self.over_tasks[:, rows, column]


def bootstrap_gains(
    scores: pd.DataFrame,
    items: pd.DataFrame | None,
    settings: AnalysisSettings,
    clusters: pd.DataFrame | None = None,
) -> GainSamples:
    """Sample the gains of every distinct pair, on every scope but single tasks.

    Args:
        scores: the tidy table.
        items: the table of items, or None.
        clusters: as for `item_scores.item_scores_of`.
    """
    baseline = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    mixtures = [baseline, *_distinct_pairs(scores)]
    scopes = scopes_of(scores, settings.skills).only(SCOPES)
    part = scores[scores["mixture"].isin(mixtures)]
    means = matrix(part, "score", scopes.tasks).loc[mixtures].to_numpy()
    if items is None:
        order = list(part["mixture"].unique())
        stderr = score_errors(part, scopes)[0][[order.index(name) for name in mixtures]]
        over_items = sample_normal(means, stderr, scopes, settings.bootstrap_samples, settings.seed)
    else:
        item_scores = item_scores_of(items, mixtures, scopes.tasks, baseline, clusters)
        over_items = resample_items(item_scores, scopes, settings.bootstrap_samples, settings.seed)
    groups = pd.factorize(scores.drop_duplicates("task").set_index("task")["group"].loc[scopes.tasks])[0]
    over_tasks = resample_tasks(means, scopes, np.asarray(groups), settings.bootstrap_samples, settings.seed + 1)
    gained = (samples[:, 1:] - samples[:, :1] for samples in (over_items, over_tasks))
    return GainSamples(tuple(mixtures[1:]), scopes, *gained)


def _distinct_pairs(scores: pd.DataFrame) -> list[str]:
    """List the pairs and extras that are distinct adapters, full included, in the table's order."""
    about = scores[["mixture", "kind", "experts", "rank", "effective_rank", "active"]].drop_duplicates("mixture")
    about = about[about["kind"].isin(["pair", "extra"])]
    kept = {*numbered(about)["mixture"], *full(about)["mixture"]}
    return [str(mixture) for mixture in about["mixture"] if mixture in kept]
