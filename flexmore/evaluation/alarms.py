"""What makes a task's result doubtful: most answers unread, or every score at chance. A doubtful score is quarantined,
which means kept, listed, and left out of every table (`flexmore.analysis.tables.quarantine`)."""

import functools
import math
from collections.abc import Sequence

UNREAD = 0.2
"""More than this share of empty or not parsed answers is an alarm; a wrong answer is neither."""
NOT_FINITE = "the model's logits are NaN or infinite"
_FALLBACK = "[invalid]"
_LEVEL = 0.05
_FAR = 0.2


def is_unread(text: str, parsed: object) -> bool:
    """Whether an answer is empty, or lm-eval's filters (or the task's own reading) found none in it."""
    return not text.strip() or not str(parsed).strip() or parsed == _FALLBACK


def unread_alarm(unread: int, n: int) -> str | None:
    """The alarm over `unread` of `n` answers, or None."""
    return f"{unread} of {n} answers are empty or not parsed" if unread > UNREAD * n else None


def at_chance(scores: Sequence[float], n: int, chance: float) -> bool:
    """Whether nothing tells several mixtures' scores on one task from guessing.

    The test is the exact two-sided binomial one at 5 %, Holm's first step over the mixtures: all of them guessing, one
    comes out significant in at most one of 20 tasks. Where the items are too few to tell a score 20 points above chance
    from it, nothing is said.

    Args:
        scores: shares of right answers among the same `n` items.
        chance: mean over the items of 1 / choices.
    """
    if not scores or not _tells(min(1.0, chance + _FAR), n, chance, len(scores)):
        return False
    return not any(_tells(score, n, chance, len(scores)) for score in scores)


def _tells(score: float, n: int, chance: float, tests: int) -> bool:
    return tests * binomial_p(round(score * n), n, chance) < _LEVEL


@functools.cache
def binomial_p(right: int, n: int, chance: float) -> float:
    """Two-sided p value of `right` of `n`: the probability of all outcomes that are no likelier (as scipy's
    `binomtest`)."""
    if not 0 < chance < 1:
        return 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        + k * math.log(chance) + (n - k) * math.log1p(-chance)
        for k in range(n + 1)
    ]  # fmt: skip
    limit = logs[right] + 1e-7
    return min(1.0, math.fsum(math.exp(log) for log in logs if log <= limit))
