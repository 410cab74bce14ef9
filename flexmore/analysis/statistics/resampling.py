"""Bootstrap samples of every score: over (clusters of) items within tasks, and over tasks within groups.

The first says how sure the numbers are for these tasks, the second how sure they would be for other tasks of the same
kind. All mixtures of a sample answer the same items (or tasks), so differences between mixtures stay paired.
"""

import numpy as np

from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes


def resample_items(item_scores: ItemScores, scopes: Scopes, samples: int, seed: int) -> Array:
    """Return the scores of `samples` bootstrap samples: clusters of items drawn with replacement, stratum by stratum.

    A cluster is drawn once for all of its tasks. Where each item is a cluster, these are items drawn within every task.

    Args:
        item_scores: rows x items by task, the tasks in the order of `scopes.tasks`.
        samples: how many.
        seed: of the generator; the same seed gives the same samples.

    Returns:
        samples x rows x scopes.
    """
    found = np.zeros((samples, len(item_scores.names), len(scopes.index)))
    for column in range(len(item_scores.tasks)):
        means = _resampled_means(item_scores, column, samples, seed)
        for scope in np.flatnonzero(scopes.weights[:, column]):
            found[:, :, scope] += scopes.weights[scope, column] * means
    return np.round(found, DIGITS)


def _resampled_means(item_scores: ItemScores, task: int, samples: int, seed: int) -> Array:
    """Return the means of one task in every bootstrap sample: samples x rows.

    What is drawn of a stratum depends on the seed and the stratum alone, so that it is the same in all of its tasks.
    """
    strata, value = item_scores.strata, item_scores.values[task]
    sums, sizes = np.zeros((samples, len(value))), np.zeros(samples)
    for number in np.unique(strata.stratum[task]):
        inside = strata.stratum[task] == number
        count = strata.each[number].count
        counts = _counts(np.random.default_rng([seed, int(number)]), samples, count)
        drawn = counts[:, strata.place[task][inside]]
        # products of whole numbers are exact, whatever the order in which a library adds them
        sums += drawn @ value[:, inside].T
        sizes += drawn.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means: Array = np.where(sizes[:, None] > 0, sums / sizes[:, None], value.mean(axis=1))
    return means


def sample_normal(means: Array, stderr: Array, scopes: Scopes, samples: int, seed: int) -> Array:
    """Return normal samples of the scores, not paired: for where only their standard errors are known.

    Args:
        means: rows x tasks.
        stderr: rows x tasks; a missing one makes every scope that its task is in missing.
        samples: how many.
        seed: of the generator.

    Returns:
        samples x rows x scopes.
    """
    generator = np.random.default_rng(seed)
    found = np.zeros((samples, len(means), len(scopes.index)))
    for column in range(means.shape[1]):
        values = means[:, column] + stderr[:, column] * generator.standard_normal((samples, len(means)))
        for scope in np.flatnonzero(scopes.weights[:, column]):
            found[:, :, scope] += scopes.weights[scope, column] * values
    return np.round(found, DIGITS)


def resample_tasks(means: Array, scopes: Scopes, groups: Array, samples: int, seed: int) -> Array:
    """Return the scores of `samples` bootstrap samples: tasks drawn with replacement within every group.

    Within a domain they are drawn among all of its tasks. Deviations are scaled by sqrt(T / (T - 1)), since T tasks
    drawn from T vary too little.

    Args:
        means: rows x tasks.
        groups: of each task, a number.
        samples: how many.
        seed: of the generator.

    Returns:
        samples x rows x scopes; missing where a scope has a group of a single task, whose spread is not known.
    """
    generator = np.random.default_rng(seed)
    found = np.zeros((samples, len(means), len(scopes.index)))
    within = {int(group): _task_means(generator, means[:, groups == group], samples) for group in np.unique(groups)}
    for scope, (kind, weights) in enumerate(zip(scopes.index["scope"], scopes.weights, strict=True)):
        if kind == "domain":
            found[:, :, scope] = _task_means(generator, means[:, weights > 0], samples)
            continue
        for group in np.unique(groups[weights > 0]):
            found[:, :, scope] += weights[groups == group].sum() * within[int(group)]
    return np.round(found, DIGITS)


def percentile_interval(samples: Array, confidence: float) -> tuple[Array, Array]:
    """Return the percentile interval of samples along the first axis; missing where any sample is missing."""
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0, method="inverted_cdf")
    unknown = np.isnan(samples).any(axis=0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _task_means(generator: np.random.Generator, means: Array, samples: int) -> Array:
    """Return means over tasks that are drawn with replacement: samples x rows."""
    tasks = means.shape[1]
    if tasks < 2:
        return np.full((samples, len(means)), np.nan)
    resampled = (_counts(generator, samples, tasks) @ means.T) / tasks
    centre = means.mean(axis=1)
    stretched: Array = centre + np.sqrt(tasks / (tasks - 1)) * (resampled - centre)
    return stretched


def _counts(generator: np.random.Generator, samples: int, n: int) -> Array:
    """Count how often each of n comes up when n are drawn with replacement: samples x n."""
    chosen = generator.integers(0, n, (samples, n)) + n * np.arange(samples)[:, None]
    return np.bincount(chosen.ravel(), minlength=samples * n).reshape(samples, n).astype(np.float64)
