"""Gain over the public model, with paired intervals: the same items with and without the experts."""

import numpy as np
import pandas as pd

from flexmore.analysis.scopes import Array, Scopes, interval, matrix, scopes_of, spread
from flexmore.errors import FlexmoreError

ABOUT = ["mixture", "kind", "experts", "rank", "effective_rank", "active", "parameters"]
COLUMNS = [
    *ABOUT, "scope", "name", "tasks", "score", "public", "gain", "stderr", "low", "high", "paired",
]  # fmt: skip

_DIGITS = 12
"""What lies behind is the order of summation; rounded off, equal scores have a gain of exactly zero."""


def gains(scores: pd.DataFrame, items: pd.DataFrame | None, confidence: float = 0.95) -> pd.DataFrame:
    """The gain of every mixture on every scope (average, group, domain, task).

    Args:
        scores: the tidy table, with the baseline in it.
        items: per-item values; without them intervals are unpaired, from the scores' standard errors
            (`paired` says so).

    Returns:
        Columns `COLUMNS`; score, public, gain, stderr, low, high in 0..1. Standard error of a mean over T
        tasks: sqrt(sum se_t**2) / T; interval from Student's t with Welch-Satterthwaite degrees of freedom, which on
        one task is the paired t test's.

    Raises:
        FlexmoreError: the items of a mixture and the baseline's differ in number.
    """
    scopes = scopes_of(scores)
    values = matrix(scores, "score", scopes.tasks)
    baseline = scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0]
    others = values.index[values.index != baseline]
    if items is None:
        stderr, freedom = _unpaired(scores, scopes, baseline, others)
    else:
        stderr, freedom = _paired(items, scopes, baseline, others)
    score = np.round(values.loc[others].to_numpy() @ scopes.weights.T, _DIGITS)
    public = np.broadcast_to(np.round(scopes.weights @ values.loc[baseline].to_numpy(), _DIGITS), score.shape)
    gain = np.round(score - public, _DIGITS)
    error, degrees = spread(scopes, stderr, freedom)
    low, high = interval(gain, error, degrees, confidence)
    about = scores[ABOUT].drop_duplicates("mixture").set_index("mixture").loc[others].reset_index()
    width = len(scopes.index)
    frame: pd.DataFrame = pd.concat(
        [
            about.loc[about.index.repeat(width)].reset_index(drop=True),
            pd.concat([scopes.index] * len(others), ignore_index=True) if len(others) else scopes.index.iloc[:0],
        ],
        axis=1,
    )
    numbers = {
        "score": score,
        "public": public,
        "gain": gain,
        "stderr": error,
        "low": low,
        "high": high,
    }
    frame = frame.assign(**{name: array.ravel() for name, array in numbers.items()}, paired=items is not None)
    return frame[COLUMNS]


def _paired(items: pd.DataFrame, scopes: Scopes, baseline: str, others: pd.Index) -> tuple[Array, Array]:
    """Standard errors of the mean per-item difference and n - 1, each mixtures x tasks."""
    values = dict(zip(zip(items["mixture"], items["task"], strict=True), items["items"], strict=True))
    stderr = np.full((len(others), len(scopes.tasks)), np.nan)
    freedom = np.full_like(stderr, np.nan)
    for column, task in enumerate(scopes.tasks):
        public = _values(values, baseline, task)
        for row, mixture in enumerate(others):
            own = _values(values, mixture, task)
            if len(own) != len(public):
                raise FlexmoreError(
                    f"items of {mixture} on {task}: {len(own)}, but {len(public)} of {baseline}; evaluate "
                    "both on the same documents"
                )
            stderr[row, column], freedom[row, column] = mean_error(own - public), len(own) - 1
    return stderr, freedom


def _unpaired(scores: pd.DataFrame, scopes: Scopes, baseline: str, others: pd.Index) -> tuple[Array, Array]:
    stderr = matrix(scores, "stderr", scopes.tasks)
    n = matrix(scores, "n", scopes.tasks)
    error = np.sqrt(stderr.loc[others].to_numpy() ** 2 + stderr.loc[baseline].to_numpy() ** 2)
    return error, n.loc[others].to_numpy(dtype=np.float64) + n.loc[baseline].to_numpy(dtype=np.float64) - 2


def _values(values: dict[tuple[str, str], Array], mixture: str, task: str) -> Array:
    try:
        return np.asarray(values[mixture, task], dtype=np.float64)
    except KeyError:
        raise FlexmoreError(
            f"items of {mixture} on {task}: none; the items belong to other scores: collect both again"
        ) from None


def mean_error(values: Array) -> float:
    """Standard error of the mean of `values`; missing for fewer than two."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def score_errors(scores: pd.DataFrame, items: pd.DataFrame | None, scopes: Scopes) -> tuple[Array, Array]:
    """Standard errors of the scores themselves (not of gains) and n - 1, mixtures x tasks in the table's order."""
    n = matrix(scores, "n", scopes.tasks).to_numpy(dtype=np.float64)
    if items is None:
        return matrix(scores, "stderr", scopes.tasks).to_numpy(dtype=np.float64), n - 1
    errors = items.assign(stderr=[mean_error(np.asarray(row, dtype=np.float64)) for row in items["items"]])
    return matrix(scores[["mixture", "task"]].merge(errors, how="left"), "stderr", scopes.tasks).to_numpy(), n - 1
