"""A test of whether scores can be told from guessing."""

import functools
import math
from collections.abc import Sequence

_LEVEL = 0.05
_DETECTABLE = 0.2
"""How far above chance a score must be for the test to be expected to find it, as a share of right answers."""


def at_chance(scores: Sequence[float], n: int, chance: float) -> bool:
    """Tell whether none of several mixtures' scores on one task differs significantly from guessing.

    The test is the exact two-sided binomial one at 5 %, with the first step of Holm's correction over the mixtures: if
    all of them guess, one comes out significant in at most one of 20 tasks. Where the items are too few to tell a score
    20 points above chance from guessing, the result is False.

    Args:
        scores: shares of right answers among the same `n` items.
        chance: mean over the items of 1 / choices.
    """
    if not scores or not _significant(min(1.0, chance + _DETECTABLE), n, chance, len(scores)):
        return False
    return not any(_significant(score, n, chance, len(scores)) for score in scores)


def _significant(score: float, n: int, chance: float, tests: int) -> bool:
    """Tell whether a score differs from guessing, corrected for the number of tests."""
    return tests * binomial_p_value(round(score * n), n, chance) < _LEVEL


@functools.cache
def binomial_p_value(right: int, n: int, chance: float) -> float:
    """Return the two-sided p-value of `right` of `n`: the probability of all outcomes that are no likelier.

    It is that of scipy's `binomtest`.
    """
    if not 0 < chance < 1:
        return 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        + k * math.log(chance) + (n - k) * math.log1p(-chance)
        for k in range(n + 1)
    ]  # fmt: skip
    limit = logs[right] + 1e-7
    return min(1.0, math.fsum(math.exp(log) for log in logs if log <= limit))
