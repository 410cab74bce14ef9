"""A layer's mixing for few tokens, as in decoding, by as few operations as possible.

A product of so few rows takes as long as reading its weights, and a small one as long as calling it. So every adapter
that any token chose is computed for all tokens, with weight 0 for those that did not choose it, and all results lie in
one buffer, over which each element-wise operation goes once.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional
from transformers.activations import SiLUActivation

from flexmore.modeling.layer.experts import FactorPair

# Suffixes: T tokens, D hidden, F ffn, M public and the adapters, R rank

FEW = 32  # tokens; products of more rows are bound by arithmetic
_SMALL = 2**16  # values of all A factors, copied in less time than their products take to be called one by one


def mix_few(
    x_TD: Tensor,
    public: Sequence[Tensor],
    adapters: Sequence[Sequence[FactorPair | None]],
    weights_MT: Tensor,
    act: Callable[[Tensor], Tensor],
) -> Tensor:
    """Return the weighted sum of public and adapters, [T, D], for inference.

    Args:
        public: its gate [F, D], up [F, D] and down [D, F] weights.
        adapters: of each its factors a [rank, in] and b [out, rank] of gate, up and down; None at rank 0.
        weights_MT: public's first.
    """
    gate_FD, up_FD, down_DF = public
    both_2MTF = x_TD.new_empty(2, 1 + len(adapters), len(x_TD), len(gate_FD))
    codes = iter(_codes(x_TD, [pair[0] for adapter in adapters for pair in adapter[:2] if pair is not None]))
    products = [side.unbind() for side in both_2MTF]
    for side, weight_FD in zip(products, (gate_FD, up_FD), strict=True):
        torch.mm(x_TD, weight_FD.T, out=side[0])
    for slot, adapter in enumerate(adapters, start=1):
        for side, pair in zip(products, adapter[:2], strict=True):
            if pair is None:
                side[slot].copy_(side[0])
            else:
                torch.addmm(side[0], next(codes), pair[1].T, out=side[slot])
    inner_MTF = _activated(both_2MTF[0], act).mul_(both_2MTF[1]).mul_(weights_MT.unsqueeze(-1))
    out_TD = inner_MTF.sum(dim=0) @ down_DF.T
    for adapter, inner_TF in zip(adapters, inner_MTF.unbind()[1:], strict=True):
        if adapter[2] is not None:
            a_RF, b_DR = adapter[2]
            out_TD.addmm_(inner_TF @ a_RF.T, b_DR.T)
    return out_TD


def _codes(x_TD: Tensor, factors: list[Tensor]) -> Sequence[Tensor]:
    """Return A·x [T, R] of each A [R, D], by one product where copying the As takes less time than calling many."""
    if len(factors) < 2 or sum(a_RD.numel() for a_RD in factors) > _SMALL:
        return [x_TD @ a_RD.T for a_RD in factors]
    return torch.split(functional.linear(x_TD, torch.cat(factors)), [len(a_RD) for a_RD in factors], dim=1)


def _activated(gate_MTF: Tensor, act: Callable[[Tensor], Tensor]) -> Tensor:
    """Return act(gate), in the memory of `gate_MTF` where the activation allows it."""
    return functional.silu(gate_MTF, inplace=True) if isinstance(act, SiLUActivation) else act(gate_MTF)
