"""Dense weights that are made for inference and kept within a limit of memory."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from flexmore.mixtures.dense_or_factors import DENSE_LIMIT

Weights = Mapping[Any, Tensor]


@dataclass(frozen=True)
class _Entry:
    weights: Weights
    size: int
    made_from: Sequence[tuple[Tensor, int]]


class DenseCache:
    """Keep dense weights by key within a limit of bytes; those that are longest out of use are dropped first.

    A loaded model keeps its merged adapters in one, a sweep its full-size experts, controls and saturated adapters.
    Weights in use count towards the limit but are never dropped.

    Attributes:
        limit: bytes; it may be changed at any time and holds from the next `make_room` on.
        used: bytes that are kept now.
    """

    def __init__(self, limit: int = DENSE_LIMIT) -> None:
        self.limit = limit
        self.used = 0
        self._in_use: dict[Hashable, _Entry] = {}
        self._idle: OrderedDict[Hashable, _Entry] = OrderedDict()

    def keys(self) -> list[Hashable]:
        """Return the keys of all weights that are kept, those out of use first."""
        return [*self._idle, *self._in_use]

    def use(self, key: Hashable, made_from: Sequence[Tensor] = ()) -> Weights | None:
        """Return the weights of a key and mark them as in use; return None where there are none.

        Args:
            made_from: the tensors that the weights depend on. Weights that were made from others, or from these before
                they were changed in place, are dropped.
        """
        entry = self._in_use.get(key) or self._idle.pop(key, None)
        if entry is None:
            return None
        if not _unchanged(entry.made_from, made_from):
            self._in_use.pop(key, None)
            self.used -= entry.size
            return None
        self._in_use[key] = entry
        return entry.weights

    def add(self, key: Hashable, weights: Weights, made_from: Sequence[Tensor] = ()) -> None:
        """Keep weights under a new key and mark them as in use, whether or not they fit (`make_room` tells)."""
        size = sum(weight.nbytes for weight in weights.values())
        self.used += size
        self._in_use[key] = _Entry(weights, size, [(tensor, _version(tensor)) for tensor in made_from])

    def release(self, *keys: Hashable) -> None:
        """Mark the weights of these keys, without keys all, as out of use."""
        for key in keys or list(self._in_use):
            if key in self._in_use:
                self._idle[key] = self._in_use.pop(key)

    def make_room(self, size: int = 0) -> bool:
        """Drop weights that are out of use until `size` more bytes fit into the limit; return whether they do."""
        while self._idle and self.used + size > self.limit:
            self.used -= self._idle.popitem(last=False)[1].size
        return self.used + size <= self.limit

    def clear(self) -> None:
        """Drop all weights."""
        self._in_use.clear()
        self._idle.clear()
        self.used = 0


def _unchanged(before: Sequence[tuple[Tensor, int]], now: Sequence[Tensor]) -> bool:
    return len(before) == len(now) and all(
        tensor is found and version == _version(found) for (tensor, version), found in zip(before, now, strict=True)
    )


def _version(tensor: Tensor) -> int:
    """Return how often a tensor was changed in place; one made in inference mode has no such count."""
    return 0 if tensor.is_inference() else tensor._version
