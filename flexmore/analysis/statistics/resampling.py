"""Bootstrap draws of every score: over items within tasks, and over tasks within groups.

The first says how sure the numbers are for these tasks, the second how sure they would be for other tasks of the same
kind. All mixtures of a draw answer the same items (or tasks), so differences between mixtures stay paired.
"""

import numpy as np

from flexmore.analysis.statistics.items import ItemScores
from flexmore.analysis.statistics.scopes import Array, Scopes


def over_items(answers: ItemScores, scopes: Scopes, draws: int, seed: int) -> Array:
    """Scores of `draws` samples of items, drawn with replacement within every task.

    Args:
        answers: rows x items by task, the tasks in the order of `scopes.tasks`.
        seed: of the generator; the same seed gives the same draws.

    Returns:
        draws x rows x scopes.
    """
    generator = np.random.default_rng(seed)
    found = np.zeros((draws, len(answers.names), len(scopes.index)))
    for column, value in enumerate(answers.values):
        counts = _counts(generator, draws, value.shape[1])
        # products of whole numbers are exact, whatever the order in which a library adds them
        means = (counts @ value.T) / value.shape[1]
        for scope in np.flatnonzero(scopes.weights[:, column]):
            found[:, :, scope] += scopes.weights[scope, column] * means
    return np.round(found, 12)


def over_errors(means: Array, stderr: Array, scopes: Scopes, draws: int, seed: int) -> Array:
    """Where only scores and their standard errors are known: normal draws, not paired.

    Args:
        means: rows x tasks.
        stderr: rows x tasks; missing ones make every scope that weighs their task missing.

    Returns:
        draws x rows x scopes.
    """
    generator = np.random.default_rng(seed)
    found = np.zeros((draws, len(means), len(scopes.index)))
    for column in range(means.shape[1]):
        drawn = means[:, column] + stderr[:, column] * generator.standard_normal((draws, len(means)))
        for scope in np.flatnonzero(scopes.weights[:, column]):
            found[:, :, scope] += scopes.weights[scope, column] * drawn
    return np.round(found, 12)


def over_tasks(means: Array, scopes: Scopes, groups: Array, draws: int, seed: int) -> Array:
    """Scores of `draws` samples of tasks, drawn with replacement within every group (within a domain, among all of
    its tasks); deviations are scaled by sqrt(T / (T - 1)), since T tasks drawn from T vary too little.

    Args:
        means: rows x tasks.
        groups: of each task, a number.

    Returns:
        draws x rows x scopes; missing where a scope has a group of a single task, of whose spread nothing is known.
    """
    generator = np.random.default_rng(seed)
    found = np.zeros((draws, len(means), len(scopes.index)))
    within = {int(group): _drawn(generator, means[:, groups == group], draws) for group in np.unique(groups)}
    for scope, (kind, weights) in enumerate(zip(scopes.index["scope"], scopes.weights, strict=True)):
        if kind == "domain":
            found[:, :, scope] = _drawn(generator, means[:, weights > 0], draws)
            continue
        for group in np.unique(groups[weights > 0]):
            found[:, :, scope] += weights[groups == group].sum() * within[int(group)]
    return np.round(found, 12)


def _drawn(generator: np.random.Generator, means: Array, draws: int) -> Array:
    """Means over tasks that are drawn with replacement: draws x rows."""
    tasks = means.shape[1]
    if tasks < 2:
        return np.full((draws, len(means)), np.nan)
    drawn = (_counts(generator, draws, tasks) @ means.T) / tasks
    centre = means.mean(axis=1)
    stretched: Array = centre + np.sqrt(tasks / (tasks - 1)) * (drawn - centre)
    return stretched


def _counts(generator: np.random.Generator, draws: int, n: int) -> Array:
    """How often each of n is drawn in n draws with replacement: draws x n."""
    chosen = generator.integers(0, n, (draws, n)) + n * np.arange(draws)[:, None]
    return np.bincount(chosen.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)
