"""The experts of a layer, computed around the public expert that all adapters correct.

With the public projections G, U, D and an adapter's factors, an expert e is

    h_e = act(G·x + Bg·Ag·x) * (U·x + Bu·Au·x)        and        y_e = D·h_e + Bd·Ad·h_e

so G·x and U·x are computed once for all low-rank experts, and since sum(w_e·D·h_e) = D·sum(w_e·h_e), so is D: the
router's weights enter before the public down product. Full-size experts run dense, and so do adapters whose
corrections would cost more (`flexmore.mixtures.dense`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import ACT2FN, SiLUActivation

from flexmore.architectures.names import PROJECTIONS
from flexmore.mixtures.dense import dense_experts
from flexmore.modeling.configuration_flexmore import FlexMoREConfig
from flexmore.modeling.decoding import FEW, few_mixed
from flexmore.modeling.dense_cache import DenseCache
from flexmore.modeling.experts import FlexMoREExpert
from flexmore.modeling.merging import merged_weights

_CACHED_VALUES = 3 * 2**16  # of a block [rows, ffn] between the large products, which on a CPU stays in its cache
_LEAST_ROWS = 32  # of a block: products with fewer are slow
_WORTH_JOINING = 256  # tokens for which one product with all A factors is worth copying them side by side


@dataclass(frozen=True)
class _Tokens:
    """Some tokens and the experts that they chose.

    Attributes:
        x: [tokens, hidden].
        index: [tokens, k], the chosen experts.
        weights: [tokens, k], the router's.
        experts: how many there are to choose from.
        routing: [tokens, experts], the weights by expert, where every expert is computed for every token, if with
            weight 0; else None.
    """

    x: Tensor
    index: Tensor
    weights: Tensor
    experts: int
    routing: Tensor | None

    @classmethod
    def of(cls, x: Tensor, index: Tensor, weights: Tensor, experts: int) -> "_Tokens":
        """All of them; a compiler gets no branches, so every expert for every token."""
        routing = None
        if index.shape[1] == experts or torch.compiler.is_compiling():
            routing = weights.new_zeros(len(x), experts).scatter_(1, index, weights)
        return cls(x, index, weights, experts, routing)

    def rows(self, rows: Tensor | slice) -> "_Tokens":
        """Only these."""
        x, index, weights = (_rows(part, rows) for part in (self.x, self.index, self.weights))
        return _Tokens(x, index, weights, self.experts, None if self.routing is None else _rows(self.routing, rows))

    def routes(self) -> list[tuple[Tensor | None, Tensor]]:
        """For each expert the rows that chose it, None for all, and their weights for it, [rows, 1]."""
        if self.routing is not None:
            return [(None, weight) for weight in torch.split(self.routing, 1, dim=1)]
        chosen = self.index.flatten()
        order = chosen.argsort(stable=True)
        counts = chosen.bincount(minlength=self.experts).tolist()
        rows = torch.split(order // self.index.shape[1], counts)
        return list(zip(rows, torch.split(self.weights.flatten()[order, None], counts), strict=True))

    def by_expert(self, experts: list[int], others: list[int]) -> Tensor:
        """The weights of some experts together, and below them those of others one by one, [1 + others, tokens]."""
        routing = self.routing
        if routing is None:
            routing = self.weights.new_zeros(len(self.x), self.experts).scatter_(1, self.index, self.weights)
        if len(experts) == 1:
            order = experts + others
            return routing.T if order == list(range(self.experts)) else routing.T[order]
        return torch.cat([routing[:, experts].sum(dim=1, keepdim=True), routing[:, others]], dim=1).T

    def weight_of(self, experts: list[int]) -> Tensor:
        """The weights of some experts together, [tokens, 1]."""
        if self.routing is not None and len(experts) == 1:
            return self.routing.narrow(1, experts[0], 1)
        if self.routing is not None:
            return self.routing[:, experts].sum(dim=1, keepdim=True)
        chosen = torch.isin(self.index, self.index.new_tensor(experts))
        return (self.weights * chosen).sum(dim=1, keepdim=True)

    def choosing(self, experts: list[int]) -> Tensor | None:
        """The rows that chose one of the experts; None for all."""
        if self.routing is not None or len(experts) == self.experts:
            return None
        rows = torch.isin(self.index, self.index.new_tensor(experts)).any(dim=1).nonzero().squeeze(1)
        return None if len(rows) == len(self.x) else rows


@dataclass(frozen=True)
class _Block:
    """Tokens with the products that their experts share.

    Attributes:
        gate, up: public's, [tokens, ffn].
        codes: A·x by expert and projection, [tokens, rank], where one product gave all of them.
        copied: gate and up are this block's own, to be written over.
    """

    tokens: _Tokens
    gate: Tensor
    up: Tensor
    codes: dict[tuple[int, str], Tensor]
    copied: bool = False

    def rows(self, rows: Tensor | slice) -> "_Block":
        """Only these."""
        codes = {key: _rows(code, rows) for key, code in self.codes.items()}
        return _Block(
            self.tokens.rows(rows), _rows(self.gate, rows), _rows(self.up, rows), codes, isinstance(rows, Tensor)
        )


class FlexMoREExperts(nn.Module):
    """All experts of a layer, public first; takes the place of transformers' `FlexOlmoExperts`.

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
        """Convert the parameters (`.to()`, `.half()`), and forget what was merged from them."""
        self.cache.clear()
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call, no-any-return]

    def forward(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        """The weighted sum of the chosen experts, [tokens, hidden].

        Args:
            hidden_states: [tokens, hidden].
            top_k_index: [tokens, k], the experts that each token chose.
            top_k_weights: [tokens, k], their weights.
        """
        tokens = _Tokens.of(hidden_states, top_k_index, top_k_weights, len(self))
        ranks = tuple(expert.mean_rank for expert in self)
        dense = self._dense(ranks, top_k_index.shape[1])
        out = self._around_public(tokens, {index: ranks[index] for index in range(len(self)) if index not in dense})
        routes = tokens.routes() if dense else []
        for index, (gate, up, down) in dense.items():
            rows, weight = routes[index]
            if rows is None or len(rows):
                x = tokens.x if rows is None else _rows(tokens.x, rows)
                _add(out, rows, down(self.act_fn(gate(x)) * up(x)) * weight)
        return out

    def _around_public(self, tokens: _Tokens, shared: dict[int, float | None]) -> Tensor:
        """The weighted sum of public and the adapters among `shared`; 0 for tokens that chose none of them."""
        adapters = [index for index, rank in shared.items() if rank]
        plain = [index for index, rank in shared.items() if not rank]
        rows = tokens.choosing(list(shared))
        if rows is None:
            return self._corrected(tokens, adapters, plain)
        out = torch.zeros_like(tokens.x)
        return out.index_add_(0, rows, self._corrected(tokens.rows(rows), adapters, plain)) if len(rows) else out

    def _corrected(self, tokens: _Tokens, adapters: list[int], plain: list[int]) -> Tensor:
        """The same for tokens that all need the public products."""
        few = self._few(tokens, adapters, plain)
        if few is not None:
            return few
        gate, up, down = (self[0].get_submodule(projection) for projection in PROJECTIONS)
        codes = self._codes(tokens.x, adapters) if tokens.routing is not None else {}
        whole = _Block(tokens, gate(tokens.x), up(tokens.x), codes)
        size = self._block_rows(tokens, adapters)
        if len(tokens.x) <= size:
            summed, added = self._summed(whole, adapters, plain)
            return added.add_(down(summed))
        inner, rest = [], []
        for start in range(0, len(tokens.x), size):
            block = whole.rows(slice(start, start + size))
            summed, added = self._summed(block, adapters, plain)
            if not torch.is_grad_enabled():  # nobody needs public's product of these tokens any more
                summed = block.gate.copy_(summed)
            inner.append(summed)
            rest.append(added)
        return _joined(rest).add_(down(_joined(inner) if torch.is_grad_enabled() else whole.gate))

    def _few(self, tokens: _Tokens, adapters: list[int], plain: list[int]) -> Tensor | None:
        """The same for as few tokens as decoding has; None where there are more, or more than bare weights."""
        if len(tokens.x) > FEW or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return None
        chosen = set(tokens.index.flatten().tolist())
        used = [index for index in adapters if index in chosen]
        public, own = self[0].bare(), [self[index].bare() for index in used]
        factors = [bare[1] for bare in own if bare is not None and not bare[0]]
        if public is None or len(factors) < len(own):
            return None
        weights = [public[0][projection] for projection in PROJECTIONS]
        return few_mixed(tokens.x, weights, factors, tokens.by_expert(plain, used), self.act_fn)

    def _summed(self, block: _Block, adapters: list[int], plain: list[int]) -> tuple[Tensor, Tensor]:
        """What the public down product is to be taken of, [tokens, ffn], and what is added to it, [tokens, hidden].

        Sums are taken in place, which autograd allows here: no gradient needs what they replace.
        """
        inner = self.act_fn(block.gate).mul_(block.up).mul_(block.tokens.weight_of(plain))
        rest = torch.zeros_like(block.tokens.x)
        routes = block.tokens.routes() if adapters else []
        for index in adapters:
            rows, weight = routes[index]
            if rows is not None and len(rows) == 0:
                continue
            part = block if rows is None else block.rows(rows)
            own = self._activated(self._product(part, index, "gate_proj", part.gate), block.gate)
            own = own.mul_(self._product(part, index, "up_proj", part.up)).mul_(weight)
            down, factors = self[index].full("down_proj"), self[index].factors("down_proj")
            if down is None:
                _add(inner, rows, own)
            if factors is not None:
                own, down = factors[0](own), factors[1]
            if down is not None:
                _add(rest, rows, down(own))
        return inner, rest

    def _product(self, block: _Block, index: int, projection: str, public: Tensor) -> Tensor:
        """An expert's gate or up product, [tokens, ffn], from public's."""
        own, factors = self[index].full(projection), self[index].factors(projection)
        if own is not None:
            found: Tensor = own(block.tokens.x)
            return found
        if factors is None:
            return public
        code = block.codes.get((index, projection))
        code = factors[0](block.tokens.x) if code is None else code
        if block.copied and not factors[1].weight.is_meta:
            return public.addmm_(code, factors[1].weight.T)
        found = factors[1](code)
        return found.add_(public)

    def _activated(self, gate: Tensor, public: Tensor) -> Tensor:
        """act(gate), in gate's own memory where nobody else needs it."""
        if isinstance(self.act_fn, SiLUActivation) and gate is not public and not torch.is_grad_enabled():
            return functional.silu(gate, inplace=True)
        activated: Tensor = self.act_fn(gate)
        return activated

    def _codes(self, x: Tensor, adapters: list[int]) -> dict[tuple[int, str], Tensor]:
        """A·x of the gate and up of all adapters, [tokens, rank] each, by one product where copying the As pays."""
        factors = {(index, name): self[index].factors(name) for index in adapters for name in ("gate_proj", "up_proj")}
        found = {key: pair[0].weight for key, pair in factors.items() if pair is not None}
        if len(x) < _WORTH_JOINING or len(found) < 2:
            return {}
        if any(a.is_meta for a in found.values()):  # offloaded, read in a module's call
            return {}
        products = functional.linear(x, torch.cat(list(found.values())))
        return dict(zip(found, torch.split(products, [len(a) for a in found.values()], dim=1), strict=True))

    def _block_rows(self, tokens: _Tokens, adapters: list[int]) -> int:
        """Tokens to take at a time, so that an expert's part of them fits a CPU's cache."""
        if tokens.x.device.type != "cpu" or torch.compiler.is_compiling():
            return max(len(tokens.x), 1)
        rank = max((self[index].mean_rank or 0 for index in adapters), default=0)
        rows = max(_LEAST_ROWS, _CACHED_VALUES // self.ffn, int(rank))
        return rows if tokens.routing is not None else rows * self.num_experts // tokens.index.shape[1]

    def _dense(self, ranks: tuple[float | None, ...], active: int) -> dict[int, list[Callable[[Tensor], Tensor]]]:
        """Gate, up and down of the experts to run dense: full-size ones, and adapters where that is cheaper.

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


def _add(total: Tensor, rows: Tensor | None, part: Tensor) -> Tensor:
    return total.add_(part) if rows is None else total.index_add_(0, rows, part)


def _rows(tensor: Tensor, rows: Tensor | slice) -> Tensor:
    return tensor[rows] if isinstance(rows, slice) else tensor.index_select(0, rows)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
