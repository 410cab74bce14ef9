"""The bytes that a sweep's weights take in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.mixtures.dense_or_factors import DENSE_LIMIT, dense_experts
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.parameters import effective_rank

_Dense = tuple[str, Rank, str]


@dataclass(frozen=True)
class SweepWeights:
    """Hold the bytes of a sweep's weights at its largest moment.

    Attributes:
        layers: number of layers.
        outside: bytes outside the layers: embeddings, head and last norm.
        backbone: bytes of all layers without experts: attention and norms, public FFN, routers.
        factors: bytes of the factors of all experts, loaded once at the highest rank that runs as a correction.
        dense: bytes of dense experts that are held at once, those kept for later mixtures included.
        adapted: bytes of `dense` that are adapters merged into public weights, or controls.
        full: bytes of `dense` that are experts' own weights.
    """

    layers: int
    outside: int
    backbone: int
    factors: int
    dense: int
    adapted: int
    full: int

    @property
    def shared(self) -> int:
        """Return the bytes that all mixtures of the sweep share, factors not counted."""
        return self.outside + self.backbone

    @property
    def total(self) -> int:
        """Return all bytes."""
        return self.shared + self.factors + self.dense

    @property
    def per_layer(self) -> int:
        """Return the bytes of one layer, rounded up."""
        return -(-(self.backbone + self.factors + self.dense) // self.layers)


def weigh_sweep(
    sizes: ModelSizes, mixtures: Sequence[Mixture], width: int, dense_limit: int = DENSE_LIMIT
) -> SweepWeights:
    """Return what the weights of a sweep take, as `SweepModel` holds them.

    Args:
        mixtures: of the same experts, with known ranks; none has experts in the baseline's sweep.
        width: bytes of one weight in memory.
        dense_limit: bytes of dense weights that are kept for later mixtures.
    """
    outside = sizes.outside_layers
    experts = len(mixtures[0].experts) if mixtures else 0
    routers = sizes.layers * sizes.hidden * (experts + 1) if experts else 0
    backbone = sizes.backbone - outside + sizes.full_expert + routers
    factors: dict[str, int] = {}
    shown = 0
    kept: set[_Dense] = set()
    for mixture in mixtures:
        dense = _dense_of(mixture, sizes)
        shown = max(shown, len(dense))
        kept |= {(name, rank, control) for name, (rank, control) in dense.items()}
        for name, rank in zip(mixture.experts, mixture.ranks, strict=True):
            if name not in dense and rank != "full":
                factors[name] = max(factors.get(name, 0), int(effective_rank(rank, sizes)))
    each = sizes.full_expert * width
    most = max(shown * each, min(len(kept) * each, dense_limit + each))
    full = sum(1 for _, rank, control in kept if rank == "full" and not control) * each
    return SweepWeights(
        layers=sizes.layers,
        outside=outside * width,
        backbone=backbone * width,
        factors=sum(factors.values()) * sizes.per_rank * width,
        dense=most,
        adapted=min(most, len(kept) * each - full),
        full=min(most, full),
    )


def _dense_of(mixture: Mixture, sizes: ModelSizes) -> Mapping[str, tuple[Rank, str]]:
    """Return the experts of a mixture that run dense, with effective rank and the kind of control."""
    ranks = [effective_rank(rank, sizes) for rank in mixture.ranks]
    named = zip(mixture.experts, ranks, strict=True)
    if mixture.kind == "control":
        return {name: (rank, mixture.rank) for name, rank in named}
    cost = (None, *(None if rank == "full" else int(rank) for rank in ranks))
    dense = dense_experts(cost, mixture.active, sizes.hidden, sizes.ffn) if ranks else frozenset()
    return {name: (rank, "") for slot, (name, rank) in enumerate(named, start=1) if slot in dense}
