"""Standard errors of scores on scopes, robust to clusters of items within and across tasks."""

import numpy as np
from numpy.typing import NDArray

from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Array, Scopes, spread


def scope_errors(item_scores: ItemScores, scopes: Scopes) -> tuple[Array, Array]:
    """Return the standard errors of the scores on every scope, and their degrees of freedom.

    Tasks whose items are independent give sqrt(sum (w_t se_t)**2). Of the others the residuals w_t (v - mean_t) / n_t
    are summed by cluster, over all tasks of the scope, and the sums squared (the linearized variance of a ratio, with
    the factor C / (C - 1) for C clusters). Degrees of freedom are Welch-Satterthwaite's, C - 1 for the clusters.

    Args:
        item_scores: rows x items by task, the tasks in the order of `scopes.tasks`.

    Returns:
        Two arrays of rows x scopes; the error is missing where a task has a single item.
    """
    stderr, freedom = item_scores.errors()
    if item_scores.clusters is None:
        return spread(scopes, stderr, freedom)
    clustered = np.array(item_scores.strata.clustered)
    stderr, freedom = np.where(clustered, 0.0, stderr), np.where(clustered, 1.0, freedom)
    error, degrees = spread(scopes, stderr, freedom)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(np.isfinite(degrees), error**4 / degrees, 0.0)
    sums = [_cluster_sums(item_scores, task) if own else None for task, own in enumerate(clustered)]
    total = 1 + max((int(own.max()) for own in item_scores.clusters.numbers if len(own)), default=0)
    for scope, weights in enumerate(scopes.weights):
        members = np.flatnonzero(clustered & (weights != 0))
        if len(members) == 0:
            continue
        residuals = np.zeros((len(item_scores.names), total))
        for task in members:
            found = sums[task]
            if found is not None:
                residuals[:, found[0]] += weights[task] * found[1]
        count = len(np.unique(np.concatenate([item_scores.clusters.numbers[task] for task in members])))
        if count < 2:
            error[:, scope] = degrees[:, scope] = np.nan
            continue
        variance = np.square(residuals).sum(axis=1) * count / (count - 1)
        whole = error[:, scope] ** 2 + variance
        below[:, scope] += variance**2 / (count - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            degrees[:, scope] = np.where(below[:, scope] > 0, whole**2 / below[:, scope], np.inf)
        error[:, scope] = np.sqrt(whole)
    return error, degrees


def _cluster_sums(item_scores: ItemScores, task: int) -> tuple[NDArray[np.int64], Array]:
    """Return a task's clusters, and the sums of their items' residuals over the number of items: rows x clusters."""
    assert item_scores.clusters is not None
    value = item_scores.values[task]
    numbers, inverse = np.unique(item_scores.clusters.numbers[task], return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(numbers)))
    residual = (value - value.mean(axis=1, keepdims=True)) / value.shape[1]
    sums: Array = np.add.reduceat(residual[:, order], starts, axis=1)
    return numbers, sums
