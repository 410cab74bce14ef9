"""The sets of ranks whose joint mixture has a given number of parameters."""

import json
from collections.abc import Sequence
from itertools import combinations_with_replacement

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.parameters import count_parameters, parse_parameters


def rank_sets(sizes: ModelSizes, ladder: Sequence[int], experts: int, bounds: tuple[int, int]) -> list[tuple[int, ...]]:
    """Return the falling sets of ranks, one for each expert, whose joint mixture's total lies within bounds.

    Args:
        ladder: the ranks to choose from; those that saturate count as one.
        experts: number of experts.
        bounds: least and most parameters, both included.
    """
    kept = sorted({min(rank, sizes.saturation) for rank in ladder}, reverse=True)
    without = _without(sizes, experts)
    low, high = (bound - without for bound in bounds)
    return [
        ranks for ranks in combinations_with_replacement(kept, experts) if low <= sum(ranks) * sizes.per_rank <= high
    ]


def sets_of(study: Study, number: str) -> list[tuple[int, ...]]:
    """Return the falling sets of ranks of a study whose joint mixture has a number of parameters, as far as written.

    Args:
        number: such as `10.75B`, which is any total that is rounded to it.

    Raises:
        FlexmoreError: the sizes of the study's models are not known.
    """
    rounded = parse_parameters(number)
    return rank_sets(sizes_of(study), study.ladder, len(study.names), (rounded.low, rounded.high))


def list_sets(study: Study, number: str, as_json: bool) -> str:
    """Return the sets of ranks that cost a number of parameters, with their sums and the joint mixture's parameters.

    Args:
        number: of parameters as it is written, such as `10.75B`.
        as_json: the sets alone, as JSON.
    """
    sizes, sets = sizes_of(study), sets_of(study, number)
    if as_json:
        return json.dumps(sets)
    lines = [
        f"{' '.join(f'{rank:>5}' for rank in ranks)}   sum {sum(ranks):>6}   "
        f"{_without(sizes, len(ranks)) + sum(ranks) * sizes.per_rank:>16,}"
        for ranks in sets
    ]
    return "\n".join([*lines, f"{len(sets)} sets, in any order of the experts"])


def _without(sizes: ModelSizes, experts: int) -> int:
    """Return the parameters of a joint mixture whose adapters have rank 0: public and routers."""
    names = [f"expert {number}" for number in range(experts)]
    return int(count_parameters(sizes, dict.fromkeys(names, 0), experts)["total"])
