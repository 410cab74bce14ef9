"""Numbers of parameters: counted for a mixture, and read from text such as 10.75B."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.errors import FlexmoreError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
_COUNT = re.compile(r"(\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+)(?:\.(\d+))?\s*([KMB]?)", re.IGNORECASE)


@dataclass(frozen=True)
class ParameterCount:
    """Hold a number of parameters as it was written.

    Attributes:
        value: the number itself; 10.75B is 10,750,000,000.
        low: the smallest number that is written so when rounded; 10,745,000,000.
        high: the largest; 10,754,999,999.
    """

    value: int
    low: int
    high: int


def parse_parameters(text: str) -> ParameterCount:
    """Read a number of parameters such as 10.75B, 800k, 1,000,000 or 1_000_000.

    Raises:
        FlexmoreError: the text is no such number.
    """
    found = _COUNT.fullmatch(text.strip())
    step = _UNITS[found[3].upper()] // 10 ** len(found[2] or "") if found else 0
    if found is None or step == 0:
        raise FlexmoreError(
            f"{text!r} is not a number of parameters; expected one such as 10.75B, 800k or 1,000,000 (K, M or B)"
        )
    value = int(re.sub("[,_]", "", found[1]) + (found[2] or "")) * step
    return ParameterCount(value, value - step // 2, value + (step + 1) // 2 - 1)


def effective_rank(rank: Rank, sizes: ModelSizes) -> Rank:
    """Return the rank that an adapter really has: at most min(hidden, ffn); `full` stays `full`."""
    return rank if rank == "full" else min(rank, sizes.saturation)


def count_parameters(sizes: ModelSizes, ranks: Mapping[str, Rank], active: int) -> dict[str, Any]:
    """Count the parameters of a mixture.

    Args:
        ranks: expert -> rank; empty for the public model alone, which has no router.
        active: experts per token.

    Returns:
        The numbers `backbone`, `public` (expert 0's feed-forward networks), `routers`, `experts` (expert -> number),
        `total` and `active`: the most that one token can use, which is backbone, public, routers (every adapter is
        added to the public weights) and the largest experts.
    """
    experts = {name: _expert_parameters(effective_rank(rank, sizes), sizes) for name, rank in ranks.items()}
    routers = sizes.layers * sizes.hidden * (len(ranks) + 1) if ranks else 0
    shared = sizes.backbone + sizes.full_expert + routers
    largest = sorted(experts.values(), reverse=True)[: max(active, 0)]
    return {
        "backbone": sizes.backbone,
        "public": sizes.full_expert,
        "routers": routers,
        "experts": experts,
        "total": shared + sum(experts.values()),
        "active": shared + sum(largest),
    }


def _expert_parameters(rank: Rank, sizes: ModelSizes) -> int:
    return sizes.full_expert if rank == "full" else rank * sizes.per_rank
