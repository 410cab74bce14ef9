"""One expert of a layer: its own weights, or the factors of an adapter at the rank that is shown."""

from collections.abc import Callable
from typing import Self

from torch import Tensor, nn

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import FlexmoreError
from flexmore.modeling.configuration_flexmore import FlexMoREConfig

# Suffixes: D hidden, F ffn, R rank; of any projection: I in, O out

FactorPair = tuple[Tensor, Tensor]
"""A [R, I] and B [O, R] of one projection."""
_FACTORS = [(f"{projection}_a", f"{projection}_b") for projection in PROJECTIONS]


class FlexMoREExpert(nn.Module):
    """Hold one expert: for each projection its own weight, the two factors of an adapter, or nothing at rank 0.

    Its parameters are named as in the authors' checkpoints: `gate_proj.weight` [F, D] where it is full-size,
    `gate_proj_a.weight` [R, D] and `gate_proj_b.weight` [F, R] where it is an adapter; likewise up and down.
    """

    def __init__(self, config: FlexMoREConfig, layer: int, index: int) -> None:
        super().__init__()
        self.index = index
        rows, columns = config.intermediate_size, config.hidden_size
        self.full_cost_rank = rows * columns / (rows + columns)
        self._kept: dict[str, Tensor] | None = None
        self._mean_rank: list[float | None] = []
        for projection in PROJECTIONS:
            out, into = (columns, rows) if projection == "down_proj" else (rows, columns)
            rank = config.rank(index, layer, projection)
            if rank is None:
                self.add_module(projection, nn.Linear(into, out, bias=False))
            elif rank > 0:
                self.add_module(f"{projection}_a", nn.Linear(into, rank, bias=False))
                self.add_module(f"{projection}_b", nn.Linear(rank, out, bias=False))

    def full(self, projection: str) -> nn.Linear | None:
        """Return the module of the expert's own weight [O, I]; None where it is an adapter."""
        return self._shown(projection)

    def factors(self, projection: str) -> tuple[nn.Linear, nn.Linear] | None:
        """Return the modules of an adapter's a [R, I] and b [O, R]; None at rank 0 and full-size."""
        a, b = self._shown(f"{projection}_a"), self._shown(f"{projection}_b")
        return None if a is None or b is None else (a, b)

    def shown(self) -> list[Tensor]:
        """Return its present parameters."""
        return [linear._parameters["weight"] for linear in self._modules.values()]  # type: ignore[union-attr, misc]

    def rank(self, projection: str) -> int | None:
        """Return its present rank in a projection; None for full-size, 0 for no adapter."""
        if self.full(projection) is not None:
            return None
        found = self.factors(projection)
        return 0 if found is None else found[0].out_features

    @property
    def mean_rank(self) -> float | None:
        """Return the one rank at which an adapter would cost the same; None where all projections are full-size."""
        if not self._mean_rank:
            ranks = [self.rank(projection) for projection in PROJECTIONS]
            costs = [self.full_cost_rank if rank is None else rank for rank in ranks]
            self._mean_rank = [None if all(rank is None for rank in ranks) else sum(costs) / len(costs)]
        return self._mean_rank[0]

    def bare(self) -> tuple[dict[str, Tensor], list[FactorPair | None]] | None:
        """Return its full-size weights by projection, and its factors of gate, up and down, to be used without modules.

        Returns:
            None where calling the modules does more than multiply: it loads offloaded weights, and a wrapper (peft)
            adds to it.
        """
        found: dict[str, Tensor] = {}
        for name, linear in self._modules.items():
            weight = linear._parameters["weight"] if type(linear) is nn.Linear else None
            if weight is None or weight.is_meta:
                return None
            found[name] = weight
        factors = [(found.pop(a), found.pop(b)) if a in found else None for a, b in _FACTORS]
        return found, factors

    def keep(self, projection: str, a_RI: Tensor, b_OR: Tensor) -> None:
        """Keep factors of which `set_rank` then shows prefixes.

        Args:
            a_RI: up to the highest rank R.
            b_OR: the same; as the transpose of a contiguous [R, O] its prefixes are contiguous too.
        """
        kept = self._keep_shown()
        kept[f"{projection}_a"], kept[f"{projection}_b"] = a_RI, b_OR

    def store_rank_major(self) -> None:
        """Store the b of its adapters rank-major in memory, as the factor store does.

        Products of few rows take half as long then, and prefixes are contiguous.
        """
        for linear in (pair[1] for projection in PROJECTIONS if (pair := self.factors(projection)) is not None):
            if not linear.weight.is_meta:
                linear.weight.data = linear.weight.data.T.contiguous().T

    def set_weight(self, projection: str, weight_OI: Tensor) -> None:
        """Make a projection full-size with a weight, which is not kept once another is shown."""
        self._keep_shown()
        self._show(projection, weight_OI)
        self._show(f"{projection}_a", None)
        self._show(f"{projection}_b", None)

    def set_rank(self, projection: str, rank: int | None) -> None:
        """Show the leading `rank` components of the factors, or with None the full-size weight, as views.

        Raises:
            FlexmoreError: fewer components are loaded, or no full-size weight is.
        """
        kept = self._keep_shown()
        name_a, name_b = f"{projection}_a", f"{projection}_b"
        if rank is None:
            if projection not in kept:
                raise FlexmoreError(f"expert {self.index}, {projection}: found factors, expected a full-size weight")
            self.set_weight(projection, kept[projection])
            return
        loaded = kept[name_a].shape[0] if name_a in kept else 0
        if rank > loaded:
            raise FlexmoreError(
                f"expert {self.index}, {projection}: found {loaded} loaded components, expected at least {rank}; "
                "choose a lower rank"
            )
        self._show(projection, None)
        self._show(name_a, kept[name_a][:rank] if rank else None)
        self._show(name_b, kept[name_b][:, :rank] if rank else None)

    def _keep_shown(self) -> dict[str, Tensor]:
        """Return what ranks are taken from: at first the parameters as they were loaded."""
        if self._kept is None:
            self._kept = {name.removesuffix(".weight"): weight.detach() for name, weight in self.named_parameters()}
        return self._kept

    def _shown(self, name: str) -> nn.Linear | None:
        found: nn.Linear | None = self._modules.get(name)  # type: ignore[assignment]
        return found

    def _show(self, name: str, weight: Tensor | None) -> None:
        shown = self._shown(name)
        self._mean_rank = []
        if weight is None:
            self._modules.pop(name, None)
        elif shown is None or shown.weight.shape != weight.shape or shown.weight.data_ptr() != weight.data_ptr():
            linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
            linear.weight = nn.Parameter(weight)
            self._modules[name] = linear.train(self.training)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Convert the parameters (`.to()`, `.half()`) and what is kept, of which they stay views."""
        kept = self._kept or {}
        views = {
            name: linear.weight.shape
            for name in kept
            if (linear := self._shown(name)) is not None and linear.weight.data_ptr() == kept[name].data_ptr()
        }
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name in kept:
            kept[name] = fn(kept[name])
        for name, (rows, columns) in views.items():
            self._show(name, kept[name][:rows, :columns])
        return self
