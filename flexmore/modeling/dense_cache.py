"""Adapters past break-even as dense weights: made once for inference, within a budget of memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor

from flexmore.architectures.sizes import PROJECTIONS
from flexmore.lowrank import svd as lowrank
from flexmore.modeling.experts import FlexMoREExpert


@dataclass
class DenseBudget:
    """How much memory adapters past break-even may take as dense weights; all layers of a model share one.

    Attributes:
        limit: bytes.
        used: bytes held now.
    """

    limit: int = 16 * 2**30
    used: int = 0

    def take(self, size: int) -> bool:
        """Whether `size` more bytes fit; they are counted if so."""
        fits = self.used + size <= self.limit
        self.used += size if fits else 0
        return fits


@dataclass
class Merged:
    """A layer's merged adapters, each with the versions of the tensors that it was made from."""

    budget: DenseBudget
    _held: dict[int, tuple[list[tuple[Tensor, int]], dict[str, Tensor]]] = field(default_factory=dict)

    def weights(self, expert: FlexMoREExpert, public: FlexMoREExpert) -> dict[str, Tensor] | None:
        """An adapter's dense weights, made anew where its factors have changed; None where the budget is spent."""
        made_from = [(tensor, _version(tensor)) for tensor in (*expert.shown(), *public.shown())]
        if any(tensor.is_meta for tensor, _ in made_from):  # offloaded: only a module's own call has it
            return None
        held = self._held.get(expert.index)
        if held is not None and _same(held[0], made_from):
            return held[1]
        self.forget(expert.index)
        if not self.budget.take(_bytes(public.shown())):
            return None
        weights = {projection: _merged(expert, public, projection) for projection in PROJECTIONS}
        self._held[expert.index] = (made_from, weights)
        return weights

    def forget(self, index: int) -> None:
        """Give back the memory of an expert's merged weights."""
        held = self._held.pop(index, None)
        if held is not None:
            self.budget.used -= _bytes(held[1].values())


def _version(tensor: Tensor) -> int:
    """Counts the changes in place; a tensor made in inference mode has no such count."""
    return 0 if tensor.is_inference() else tensor._version


def _same(one: list[tuple[Tensor, int]], other: list[tuple[Tensor, int]]) -> bool:
    return len(one) == len(other) and all(a[0] is b[0] and a[1] == b[1] for a, b in zip(one, other, strict=True))


def _merged(expert: FlexMoREExpert, public: FlexMoREExpert, projection: str) -> Tensor:
    own, factors, shared = expert.full(projection), expert.factors(projection), public.full(projection)
    if own is not None or shared is None:
        return own.weight  # type: ignore[union-attr]
    return shared.weight if factors is None else lowrank.adapted(shared.weight, factors[0].weight, factors[1].weight.T)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
