"""A wild cluster bootstrap for a regression with few clusters (Cameron, Gelbach and Miller 2008).

statsmodels has the clustered covariance but not this bootstrap. With six clusters default errors reject far too many
true nulls, and clustered ones still a few too many.
"""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from flexmore.analysis.statistics.scopes import Array

Clusters = NDArray[np.int64]

_MOST = 12
"""Of up to this many clusters all sign vectors are taken, so that p is exact; of more, 2**12 are drawn at random."""


def wild_p(values: Array, design: Array, column: int, clusters: Clusters, seed: int = 0) -> float:
    """Return the two-sided p of one coefficient being zero, the null imposed, signs flipped cluster by cluster.

    Args:
        values: n responses.
        design: n x k.
        column: of the coefficient.
        clusters: of each observation, a number from 0.

    Returns:
        The share of sign vectors whose |t| (clustered) is at least the observed one; missing for fewer than two
        clusters. No p below 2 / 2**clusters is possible.
    """
    count = int(clusters.max()) + 1
    if count < 2:
        return math.nan
    rest = np.delete(design, column, axis=1)
    fitted = rest @ np.linalg.lstsq(rest, values, rcond=None)[0]
    signs = _signs(count, seed)
    samples = fitted + signs[:, clusters] * (values - fitted)
    observed, resampled = (_clustered_t(sample, design, column, clusters) for sample in (values[None], samples))
    return float(np.mean(resampled >= observed[0] - 1e-9))


def _signs(count: int, seed: int) -> Array:
    """Return sign vectors, a row each: all of them, or that many at random."""
    if count <= _MOST:
        return np.array(list(itertools.product([1.0, -1.0], repeat=count)))
    random = np.random.default_rng(seed).choice([1.0, -1.0], (2**_MOST, count))
    return np.concatenate([np.ones((1, count)), random])


def _clustered_t(samples: Array, design: Array, column: int, clusters: Clusters) -> Array:
    """Return |t| of a coefficient in every sample (rows), by the clustered (sandwich) covariance.

    The correction for few clusters is the same in every sample and left out.
    """
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = samples @ design @ inverse
    residuals = samples - coefficients @ design.T
    # the coefficient's part of each observation's score, summed by cluster
    influence = design @ inverse[column]
    member = clusters[:, None] == np.arange(int(clusters.max()) + 1)
    sums = (residuals * influence) @ member
    error = np.sqrt(np.square(sums).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 1e-14, np.abs(coefficients[:, column]) / error, 0.0)
