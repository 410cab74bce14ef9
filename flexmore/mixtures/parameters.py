"""What a mixture weighs, by part."""

from collections.abc import Mapping
from typing import Any

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank


def effective_rank(rank: Rank, sizes: ModelSizes) -> Rank:
    """The rank that counts: above min(hidden, ffn) an adapter saturates; `full` stays `full`."""
    return rank if rank == "full" else min(rank, sizes.saturation)


def count_parameters(sizes: ModelSizes, ranks: Mapping[str, Rank], active: int) -> dict[str, Any]:
    """Parameters of a mixture by part.

    Args:
        ranks: each expert's rank; empty for the public model alone, which has no router.
        active: experts per token.

    Returns:
        `backbone`, `public` (expert 0's FFN), `routers`, `experts` (a number each), `total`, and `active`: the most
        that one token can use, the public FFN (every adapter is applied on top of it) and the costliest experts.
    """
    experts = {name: _expert_parameters(effective_rank(rank, sizes), sizes) for name, rank in ranks.items()}
    routers = sizes.layers * sizes.hidden * (len(ranks) + 1) if ranks else 0
    shared = sizes.backbone + sizes.full_expert + routers
    costliest = sorted(experts.values(), reverse=True)[: max(active, 0)]
    return {
        "backbone": sizes.backbone,
        "public": sizes.full_expert,
        "routers": routers,
        "experts": experts,
        "total": shared + sum(experts.values()),
        "active": shared + sum(costliest),
    }


def _expert_parameters(rank: Rank, sizes: ModelSizes) -> int:
    return sizes.full_expert if rank == "full" else rank * sizes.per_rank
