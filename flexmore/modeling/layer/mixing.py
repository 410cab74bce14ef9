"""The experts of a layer, computed around the public expert that all adapters correct.

With the public projections G, U, D and an adapter's factors, an expert e is

    h_e = act(G·x + Bg·Ag·x) * (U·x + Bu·Au·x)        and        y_e = D·h_e + Bd·Ad·h_e

so G·x and U·x are computed once for all low-rank experts, and since sum(w_e·D·h_e) = D·sum(w_e·h_e), so is D: the
router's weights enter before the public down product. Full-size experts run dense, and so do adapters whose
corrections would cost more (`flexmore.mixtures.dense_or_factors`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import ACT2FN, SiLUActivation

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.mixtures.dense_or_factors import dense_experts
from flexmore.modeling.configuration_flexmore import FlexMoREConfig
from flexmore.modeling.dense_cache import DenseCache
from flexmore.modeling.layer.decoding import FEW, mix_few
from flexmore.modeling.layer.experts import FlexMoREExpert
from flexmore.modeling.layer.grouping import RoutedTokens, add_rows, select_rows
from flexmore.modeling.layer.merging import merged_weights

# Suffixes: T tokens, N those of them that chose an expert, D hidden, F ffn, K active experts, R rank

_CACHED_VALUES = 3 * 2**16  # values of a chunk [T, F] between the large products, which a CPU's cache holds
_LEAST_ROWS = 32  # of a chunk: products with fewer are slow
_WORTH_JOINING = 256  # tokens from which one product with all A factors is worth copying them next to each other


@dataclass(frozen=True)
class _SharedProducts:
    """Hold tokens with the products that their experts share.

    Attributes:
        gate_TF: the public gate product.
        up_TF: the public up product.
        codes: A·x by expert and projection, [T, R], where one product gave all of them.
        copied: `gate_TF` and `up_TF` belong to this object alone and may be overwritten.
    """

    tokens: RoutedTokens
    gate_TF: Tensor
    up_TF: Tensor
    codes: dict[tuple[int, str], Tensor]
    copied: bool = False

    def rows(self, rows: Tensor | slice) -> "_SharedProducts":
        """Return only the tokens of some rows."""
        codes = {key: select_rows(code_TR, rows) for key, code_TR in self.codes.items()}
        gate_TF, up_TF = select_rows(self.gate_TF, rows), select_rows(self.up_TF, rows)
        return _SharedProducts(self.tokens.rows(rows), gate_TF, up_TF, codes, isinstance(rows, Tensor))


class FlexMoREExperts(nn.Module):
    """Hold all experts of a layer, public first; it takes the place of transformers' `FlexOlmoExperts`.

    Args:
        cache: of the model, for the dense weights of adapters past break-even.
    """

    def __init__(self, config: FlexMoREConfig, layer: int, cache: DenseCache) -> None:
        super().__init__()
        for index in range(config.num_experts):
            self.add_module(str(index), FlexMoREExpert(config, layer, index))
        self.num_experts: int = config.num_experts
        self.hidden: int = config.hidden_size
        self.ffn: int = config.intermediate_size
        self.act_fn = ACT2FN[config.hidden_act]
        self.layer = layer
        self.cache = cache

    def __len__(self) -> int:
        return self.num_experts

    def __iter__(self) -> Iterator[FlexMoREExpert]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> FlexMoREExpert:
        expert: FlexMoREExpert = self._modules[str(index)]  # type: ignore[assignment]
        return expert

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Convert the parameters (`.to()`, `.half()`), and drop what was merged from them."""
        self.cache.clear()
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]

    def forward(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        """Return the weighted sum of the chosen experts, [T, D].

        Args:
            hidden_states: [T, D].
            top_k_index: [T, K], the experts that each token chose.
            top_k_weights: [T, K], their weights.
        """
        tokens = RoutedTokens.of(hidden_states, top_k_index, top_k_weights, len(self))
        ranks = tuple(expert.mean_rank for expert in self)
        dense = self._dense(ranks, top_k_index.shape[1])
        out_TD = self._around_public(tokens, {index: ranks[index] for index in range(len(self)) if index not in dense})
        routes = tokens.routes() if dense else []
        for index, (gate, up, down) in dense.items():
            rows, weight_N1 = routes[index]
            if rows is None or len(rows):
                x_ND = tokens.x_TD if rows is None else select_rows(tokens.x_TD, rows)
                add_rows(out_TD, rows, down(self.act_fn(gate(x_ND)) * up(x_ND)) * weight_N1)
        return out_TD

    def _around_public(self, tokens: RoutedTokens, shared: dict[int, float | None]) -> Tensor:
        """Return the weighted sum of public and the adapters in `shared`, [T, D]; 0 for tokens that chose none."""
        adapters = [index for index, rank in shared.items() if rank]
        plain = [index for index, rank in shared.items() if not rank]
        rows = tokens.choosing(list(shared))
        if rows is None:
            return self._corrected(tokens, adapters, plain)
        out_TD = torch.zeros_like(tokens.x_TD)
        return out_TD.index_add_(0, rows, self._corrected(tokens.rows(rows), adapters, plain)) if len(rows) else out_TD

    def _corrected(self, tokens: RoutedTokens, adapters: list[int], plain: list[int]) -> Tensor:
        """Return the weighted sum for tokens that all need the public products, [T, D].

        Args:
            adapters: the experts that correct these products.
            plain: public and the experts of rank 0, which equal it.
        """
        few_TD = self._few(tokens, adapters, plain)
        if few_TD is not None:
            return few_TD
        gate, up, down = (self[0].get_submodule(projection) for projection in PROJECTIONS)
        codes = self._codes(tokens.x_TD, adapters) if tokens.routing_TE is not None else {}
        whole = _SharedProducts(tokens, gate(tokens.x_TD), up(tokens.x_TD), codes)
        size = self._chunk_rows(tokens, adapters)
        if len(tokens.x_TD) <= size:
            inner_TF, rest_TD = self._summed(whole, adapters, plain)
            return rest_TD.add_(down(inner_TF))
        inner, rest = [], []
        for start in range(0, len(tokens.x_TD), size):
            chunk = whole.rows(slice(start, start + size))
            inner_TF, rest_TD = self._summed(chunk, adapters, plain)
            if not torch.is_grad_enabled():  # public's product of these tokens is not needed any more
                inner_TF = chunk.gate_TF.copy_(inner_TF)
            inner.append(inner_TF)
            rest.append(rest_TD)
        return _joined(rest).add_(down(_joined(inner) if torch.is_grad_enabled() else whole.gate_TF))

    def _few(self, tokens: RoutedTokens, adapters: list[int], plain: list[int]) -> Tensor | None:
        """Return the same sum for as few tokens as decoding has.

        Returns:
            None where there are more tokens, or where modules do more than multiply with their weights.
        """
        if len(tokens.x_TD) > FEW or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return None
        chosen = set(tokens.index_TK.flatten().tolist())
        used = [index for index in adapters if index in chosen]
        public, own = self[0].bare(), [self[index].bare() for index in used]
        factors = [bare[1] for bare in own if bare is not None and not bare[0]]
        if public is None or len(factors) < len(own):
            return None
        weights = [public[0][projection] for projection in PROJECTIONS]
        return mix_few(tokens.x_TD, weights, factors, tokens.weights_by_expert(plain, used), self.act_fn)

    def _summed(self, shared: _SharedProducts, adapters: list[int], plain: list[int]) -> tuple[Tensor, Tensor]:
        """Return what the public down product is to be taken of, [T, F], and what is added to that product, [T, D].

        Sums are taken in place, which autograd allows here: no gradient needs what they replace.
        """
        inner_TF = self.act_fn(shared.gate_TF).mul_(shared.up_TF).mul_(shared.tokens.weight_of(plain))
        rest_TD = torch.zeros_like(shared.tokens.x_TD)
        routes = shared.tokens.routes() if adapters else []
        for index in adapters:
            rows, weight_N1 = routes[index]
            if rows is not None and len(rows) == 0:
                continue
            part = shared if rows is None else shared.rows(rows)
            own_NF = self._activated(self._product(part, index, "gate_proj", part.gate_TF), shared.gate_TF)
            own_NF = own_NF.mul_(self._product(part, index, "up_proj", part.up_TF)).mul_(weight_N1)
            down, factors = self[index].full("down_proj"), self[index].factors("down_proj")
            if down is not None:
                add_rows(rest_TD, rows, down(own_NF))
                continue
            add_rows(inner_TF, rows, own_NF)
            if factors is not None:
                add_rows(rest_TD, rows, factors[1](factors[0](own_NF)))
        return inner_TF, rest_TD

    def _product(self, shared: _SharedProducts, index: int, projection: str, public_TF: Tensor) -> Tensor:
        """Return an expert's gate or up product, [T, F], made from public's."""
        own, factors = self[index].full(projection), self[index].factors(projection)
        if own is not None:
            own_TF: Tensor = own(shared.tokens.x_TD)
            return own_TF
        if factors is None:
            return public_TF
        code_TR = shared.codes.get((index, projection))
        code_TR = factors[0](shared.tokens.x_TD) if code_TR is None else code_TR
        if shared.copied and not factors[1].weight.is_meta:
            return public_TF.addmm_(code_TR, factors[1].weight.T)
        product_TF: Tensor = factors[1](code_TR)
        return product_TF.add_(public_TF)

    def _activated(self, gate_NF: Tensor, public_TF: Tensor) -> Tensor:
        """Return act(gate), in the memory of `gate_NF` where nothing else needs it."""
        if isinstance(self.act_fn, SiLUActivation) and gate_NF is not public_TF and not torch.is_grad_enabled():
            return functional.silu(gate_NF, inplace=True)
        activated_NF: Tensor = self.act_fn(gate_NF)
        return activated_NF

    def _codes(self, x_TD: Tensor, adapters: list[int]) -> dict[tuple[int, str], Tensor]:
        """Return A·x [T, R] of gate and up of all adapters by one product, or nothing where copying the As costs more.

        Offloaded factors give nothing either, since only a module's call reads them.
        """
        factors = {(index, name): self[index].factors(name) for index in adapters for name in ("gate_proj", "up_proj")}
        found = {key: pair[0].weight for key, pair in factors.items() if pair is not None}
        if len(x_TD) < _WORTH_JOINING or len(found) < 2 or any(a_RD.is_meta for a_RD in found.values()):
            return {}
        products = functional.linear(x_TD, torch.cat(list(found.values())))
        return dict(zip(found, torch.split(products, [len(a_RD) for a_RD in found.values()], dim=1), strict=True))

    def _chunk_rows(self, tokens: RoutedTokens, adapters: list[int]) -> int:
        """Return how many tokens to take at a time, so that one expert's part of them fits a CPU's cache."""
        if tokens.x_TD.device.type != "cpu" or torch.compiler.is_compiling():
            return max(len(tokens.x_TD), 1)
        rank = max((self[index].mean_rank or 0 for index in adapters), default=0)
        rows = max(_LEAST_ROWS, _CACHED_VALUES // self.ffn, int(rank))
        return rows if tokens.routing_TE is not None else rows * self.num_experts // tokens.index_TK.shape[1]

    def _dense(self, ranks: tuple[float | None, ...], active: int) -> dict[int, list[Callable[[Tensor], Tensor]]]:
        """Return gate, up and down of the experts to run dense: full-size ones, and adapters where that is cheaper.

        Adapters are merged for inference only, since gradients belong to their factors.
        """
        found: dict[int, list[Callable[[Tensor], Tensor]]] = {
            index: [self[index].get_submodule(projection) for projection in PROJECTIONS]
            for index in range(1, len(self))
            if ranks[index] is None
        }
        if torch.is_grad_enabled() or torch.compiler.is_compiling():
            return found
        for index in sorted(dense_experts(ranks, active, self.hidden, self.ffn) - set(found)):
            weights = merged_weights(self.cache, self.layer, self[index], self[0])
            if weights is not None:
                found[index] = [partial(functional.linear, weight=weights[projection]) for projection in PROJECTIONS]
        return found


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
