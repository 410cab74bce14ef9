"""Holm's correction of several p values (Holm 1979).

statsmodels' `multipletests`, which the tests compare it with, collects garbage at every call: of a simulated study that
was most of the time.
"""

import numpy as np
from numpy.typing import ArrayLike

from flexmore.analysis.statistics.scopes import Array


def holm(p: ArrayLike) -> Array:
    """Return p values corrected for their number: the level at which each would just be called."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    found = np.empty_like(values)
    found[order] = np.minimum(1.0, steps)
    return found
