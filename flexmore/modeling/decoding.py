"""A layer's mixing for few tokens, as in decoding: by as few operations as it takes.

A product of so few rows takes as long as its weights take to be read, and a small one as long as it takes to be
called. So every adapter that any token chose is computed for all tokens, with weight 0 for those that did not choose
it, and all lie side by side in one buffer, which whatever acts on single values then goes over once.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional
from transformers.activations import SiLUActivation

from flexmore.modeling.experts import FactorPair

FEW = 32  # tokens; products of more rows are bound by arithmetic
_SMALL = 2**16  # values of all A factors, copied in less time than their products take to be called one by one


def few_mixed(
    x: Tensor,
    public: Sequence[Tensor],
    adapters: Sequence[Sequence[FactorPair | None]],
    weights: Tensor,
    act: Callable[[Tensor], Tensor],
) -> Tensor:
    """The weighted sum of public and adapters, [tokens, hidden], for inference.

    Args:
        x: [tokens, hidden].
        public: its gate, up and down weights.
        adapters: of each its factors a [rank, in] and b [out, rank] of gate, up and down; None at rank 0.
        weights: [1 + adapters, tokens], public's first.
    """
    gate, up, down = public
    both = x.new_empty(2, 1 + len(adapters), len(x), len(gate))
    codes = iter(_codes(x, [pair[0] for adapter in adapters for pair in adapter[:2] if pair is not None]))
    products = [side.unbind() for side in both]
    for side, weight in zip(products, (gate, up), strict=True):
        torch.mm(x, weight.T, out=side[0])
    for slot, adapter in enumerate(adapters, start=1):
        for side, pair in zip(products, adapter[:2], strict=True):
            if pair is None:
                side[slot].copy_(side[0])
            else:
                torch.addmm(side[0], next(codes), pair[1].T, out=side[slot])
    inner = _activated(both[0], act).mul_(both[1]).mul_(weights.unsqueeze(-1))
    out = inner.sum(dim=0) @ down.T
    for adapter, product in zip(adapters, inner.unbind()[1:], strict=True):
        if adapter[2] is not None:
            a, b = adapter[2]
            out.addmm_(product @ a.T, b.T)
    return out


def _codes(x: Tensor, found: list[Tensor]) -> Sequence[Tensor]:
    """A·x of each A, [tokens, rank], by one product where copying the As is cheaper than calling many."""
    if len(found) < 2 or sum(a.numel() for a in found) > _SMALL:
        return [x @ a.T for a in found]
    return torch.split(functional.linear(x, torch.cat(found)), [len(a) for a in found], dim=1)


def _activated(gate: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    """act(gate), in gate's own memory where that can be asked for."""
    return functional.silu(gate, inplace=True) if isinstance(act, SiLUActivation) else act(gate)
