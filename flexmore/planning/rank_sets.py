"""Which ranks a number of parameters buys."""

import json
import re
from collections.abc import Sequence
from itertools import combinations_with_replacement

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.experts.sizes import sizes_of
from flexmore.mixtures.parameters import count_parameters

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}


def parse_parameters(text: str) -> tuple[int, int]:
    """The numbers of parameters that are written so when rounded: 10.75B is 10,745,000,000 up to 10,754,999,999.

    Raises:
        FlexmoreError: it is no such number.
    """
    found = re.fullmatch(r"(\d+)(?:\.(\d+))?([KMB]?)", text)
    step = _UNITS[found[3]] // 10 ** len(found[2] or "") if found else 0
    if found is None or step == 0:
        raise FlexmoreError(f"{text}: not a number of parameters; expected one such as 10.75B, 900M or 10747000000")
    middle = int(found[1] + (found[2] or "")) * step
    return middle - step // 2, middle + (step + 1) // 2 - 1


def rank_sets(sizes: ModelSizes, ladder: Sequence[int], experts: int, bounds: tuple[int, int]) -> list[tuple[int, ...]]:
    """The sets of ranks, one for each expert and each set falling, whose joint mixture's total lies within bounds.

    Args:
        ladder: the ranks to choose from; of those that saturate only the first is one of its own.
        bounds: of the parameters, both included.
    """
    kept = sorted({min(rank, sizes.saturation) for rank in ladder}, reverse=True)
    without = _without(sizes, experts)
    low, high = (bound - without for bound in bounds)
    return [
        ranks for ranks in combinations_with_replacement(kept, experts) if low <= sum(ranks) * sizes.per_rank <= high
    ]


def list_sets(study: Study, number: str, as_json: bool) -> str:
    """A study's sets of ranks that cost a number of parameters: ranks, their sum, the joint mixture's parameters."""
    sizes = sizes_of(study)
    sets = rank_sets(sizes, study.ladder, len(study.names), parse_parameters(number))
    if as_json:
        return json.dumps(sets)
    lines = [
        f"{' '.join(f'{rank:>5}' for rank in ranks)}   sum {sum(ranks):>6}   "
        f"{_without(sizes, len(ranks)) + sum(ranks) * sizes.per_rank:>16,}"
        for ranks in sets
    ]
    return "\n".join([*lines, f"{len(sets)} sets, in any order of the experts"])


def _without(sizes: ModelSizes, experts: int) -> int:
    """Parameters of a joint mixture whose adapters have rank 0: public and routers."""
    names = [f"expert {number}" for number in range(experts)]
    return int(count_parameters(sizes, dict.fromkeys(names, 0), experts)["total"])
