"""Which experts run with dense weights instead of factors: those that are cheaper so, by multiplications per token."""

from functools import cache
from math import comb

DENSE_LIMIT = 16 * 2**30
"""Bytes of dense weights that a loaded model, or a sweep, keeps at most (`flexmore.modeling.dense_cache`).

What a sweep's mixture shows counts too, and is kept even where it alone is more.
"""


def dense_experts(ranks: tuple[float | None, ...], active: int, hidden: int, ffn: int) -> frozenset[int]:
    """Return the experts of a layer that are cheaper as dense weights than as corrections to the public expert.

    In units of the public expert's multiplications (three projections of `hidden * ffn`), a token costs a layer: 1 for
    the public products that all low-rank experts share, unless it chooses none of them; 1 for each chosen dense expert;
    `rank * (hidden + ffn) / (hidden * ffn)` for each chosen low-rank one. Every expert is assumed to be equally likely
    to be chosen. Where a token chooses public too, factors are cheaper up to rank `hidden * ffn / (hidden + ffn)`, 2985
    at 4096 x 11008; where it chooses `k` others, up to `1 - 1/k` of that.

    The same numbers, read as bytes of weights, are the cost of decoding a single token.

    Args:
        ranks: of each expert, public first; None for full size, which is always dense except for public, whose
            products are the shared ones; the mean rank where ranks differ by projection.
        active: experts that a token chooses.

    Returns:
        The indices of the experts to run dense; never that of public.
    """
    return _cheapest(ranks, active, hidden, ffn)[1]


def layer_cost(ranks: tuple[float | None, ...], active: int, hidden: int, ffn: int) -> float:
    """Return what a layer's experts cost a token, in units of the public expert's multiplications.

    Args: as `dense_experts`.
    """
    return _cheapest(ranks, active, hidden, ffn)[0]


@cache
def _cheapest(ranks: tuple[float | None, ...], active: int, hidden: int, ffn: int) -> tuple[float, frozenset[int]]:
    """Return the least that a layer can cost, and the experts that run dense for it."""
    experts = len(ranks)
    full = [expert for expert in range(1, experts) if ranks[expert] is None]
    adapters = {expert: rank for expert, rank in enumerate(ranks) if rank is not None}
    by_rank = sorted(adapters, key=lambda expert: -adapters[expert])
    per_rank = (hidden + ffn) / (hidden * ffn)

    def cost(dense: int) -> float:
        run_dense = len(full) + dense
        shared = 1 - comb(run_dense, active) / comb(experts, active)
        corrections = per_rank * sum(adapters[expert] for expert in by_rank[dense:])
        return shared + active / experts * (run_dense + corrections)

    cheapest = min(range(len(by_rank) + 1), key=cost)
    return cost(cheapest), frozenset(full + by_rank[:cheapest])


def break_even(experts: int, active: int, hidden: int, ffn: int) -> int:
    """Return the highest rank at which adapters, all of the same rank, do not run dense.

    Args:
        experts: of the mixture, public included.
    """
    low, high = 0, min(hidden, ffn)
    while low < high:
        middle = (low + high + 1) // 2
        if dense_experts((None, *[middle] * (experts - 1)), active, hidden, ffn):
            high = middle - 1
        else:
            low = middle
    return low
