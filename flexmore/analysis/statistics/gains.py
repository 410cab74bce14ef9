"""Gains over the public model, with paired intervals: the same items with and without the experts."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.item_scores import item_scores_of
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes, interval, matrix, scopes_of, spread

ABOUT = ["mixture", "kind", "experts", "rank", "effective_rank", "active", "parameters"]
COLUMNS = [
    *ABOUT, "scope", "name", "tasks", "score", "public", "gain", "stderr", "low", "high", "verdict",
    "paired",
]  # fmt: skip

HELPS, HARMS, UNCLEAR = "helps", "harms", "unclear"


def gains(
    scores: pd.DataFrame,
    items: pd.DataFrame | None,
    confidence: float = 0.95,
    skills: Mapping[str, Sequence[str]] | None = None,
    clusters: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the gain over public of every mixture on every scope (average, skill, group, domain, task).

    Args:
        scores: the tidy table, with the baseline in it.
        items: per-item values; without them intervals are unpaired, from the scores' standard errors
            (`paired` says so).
        confidence: level of the intervals.
        skills: as for `scopes.scopes_of`.
        clusters: as for `item_scores.item_scores_of`.

    Returns:
        Columns `COLUMNS`; score, public, gain, stderr, low, high in 0..1. Standard errors are
        robust to clusters of items (`errors.scope_errors`); intervals are Student's t with Welch-Satterthwaite degrees
        of freedom, which on one task is the paired t test's. `verdict`: an adapter helps (harms) only where the whole
        interval is above (below) zero; `unclear` where it holds zero or is unknown.

    Raises:
        FlexmoreError: the items of a mixture and the baseline's differ in number.
    """
    scopes = scopes_of(scores, skills)
    values = matrix(scores, "score", scopes.tasks)
    baseline = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    others = values.index[values.index != baseline]
    if items is None:
        error, degrees = spread(scopes, *_unpaired(scores, scopes, baseline, others))
    else:
        item_scores = item_scores_of(items, [baseline, *others], scopes.tasks, baseline, clusters)
        error, degrees = (array[1:] for array in scope_errors(item_scores.minus(baseline), scopes))
    score = np.round(values.loc[others].to_numpy() @ scopes.weights.T, DIGITS)
    public = np.broadcast_to(np.round(scopes.weights @ values.loc[baseline].to_numpy(), DIGITS), score.shape)
    gain = np.round(score - public, DIGITS)
    low, high = interval(gain, error, degrees, confidence)
    numbers = {
        "score": score,
        "public": public,
        "gain": gain,
        "stderr": error,
        "low": low,
        "high": high,
        "verdict": np.select([low > 0, high < 0], [HELPS, HARMS], UNCLEAR),
    }
    frame = _mixtures_by_scopes(scores, others, scopes)
    frame = frame.assign(**{name: array.ravel() for name, array in numbers.items()}, paired=items is not None)
    return frame[COLUMNS]


def _mixtures_by_scopes(scores: pd.DataFrame, mixtures: pd.Index, scopes: Scopes) -> pd.DataFrame:
    """Return a row per mixture and scope: the columns `ABOUT` and those of the scope."""
    about = scores[ABOUT].drop_duplicates("mixture").set_index("mixture").loc[mixtures].reset_index()
    repeated = about.loc[about.index.repeat(len(scopes.index))].reset_index(drop=True)
    each = pd.concat([scopes.index] * len(mixtures), ignore_index=True) if len(mixtures) else scopes.index.iloc[:0]
    found: pd.DataFrame = pd.concat([repeated, each], axis=1)
    return found


def _unpaired(scores: pd.DataFrame, scopes: Scopes, baseline: str, others: pd.Index) -> tuple[Array, Array]:
    """Return standard errors of the gains, and degrees of freedom, from the errors of both scores."""
    stderr = matrix(scores, "stderr", scopes.tasks)
    n = matrix(scores, "n", scopes.tasks)
    error = np.sqrt(stderr.loc[others].to_numpy() ** 2 + stderr.loc[baseline].to_numpy() ** 2)
    return error, n.loc[others].to_numpy(dtype=np.float64) + n.loc[baseline].to_numpy(dtype=np.float64) - 2


def score_errors(scores: pd.DataFrame, scopes: Scopes) -> tuple[Array, Array]:
    """Return the table's standard errors of the scores themselves (not of gains) and n - 1, mixtures x tasks.

    Mixtures are in the table's order.
    """
    stderr, n = (matrix(scores, column, scopes.tasks).to_numpy(dtype=np.float64) for column in ("stderr", "n"))
    return stderr, n - 1
