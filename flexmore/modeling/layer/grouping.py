"""Tokens of one layer with the experts that they chose, and their grouping by expert."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Suffixes: T tokens, N those of them that chose an expert, D hidden, E experts, K active experts


@dataclass(frozen=True)
class RoutedTokens:
    """Hold tokens and the experts that they chose.

    Attributes:
        x_TD: the experts' inputs.
        index_TK: the chosen experts.
        weights_TK: the router's weights of the chosen experts.
        experts: how many there are to choose from.
        routing_TE: the weights by expert, 0 for those not chosen, where every expert is computed for every token; None
            where an expert is computed only for the tokens that chose it.
    """

    x_TD: Tensor
    index_TK: Tensor
    weights_TK: Tensor
    experts: int
    routing_TE: Tensor | None

    @classmethod
    def of(cls, x_TD: Tensor, index_TK: Tensor, weights_TK: Tensor, experts: int) -> "RoutedTokens":
        """Return all tokens of a layer; under a compiler every expert is computed for every token, without branches."""
        routing_TE = None
        if index_TK.shape[1] == experts or torch.compiler.is_compiling():
            routing_TE = weights_TK.new_zeros(len(x_TD), experts).scatter_(1, index_TK, weights_TK)
        return cls(x_TD, index_TK, weights_TK, experts, routing_TE)

    def rows(self, rows: Tensor | slice) -> "RoutedTokens":
        """Return only the tokens of some rows."""
        x, index, weights = (select_rows(part, rows) for part in (self.x_TD, self.index_TK, self.weights_TK))
        routing = None if self.routing_TE is None else select_rows(self.routing_TE, rows)
        return RoutedTokens(x, index, weights, self.experts, routing)

    def routes(self) -> list[tuple[Tensor | None, Tensor]]:
        """Return for each expert the rows [N] that chose it, None for all, and their weights for it, [N, 1]."""
        if self.routing_TE is not None:
            return [(None, weight_T1) for weight_T1 in torch.split(self.routing_TE, 1, dim=1)]
        chosen_TK = self.index_TK.flatten()
        order_TK = chosen_TK.argsort(stable=True)
        counts = chosen_TK.bincount(minlength=self.experts).tolist()
        rows = torch.split(order_TK // self.index_TK.shape[1], counts)
        return list(zip(rows, torch.split(self.weights_TK.flatten()[order_TK, None], counts), strict=True))

    def weights_by_expert(self, together: Sequence[int], single: Sequence[int]) -> Tensor:
        """Return the sum of some experts' weights, and below it the weights of others, [1 + len(single), T]."""
        routing_TE = self.routing_TE
        if routing_TE is None:
            routing_TE = self.weights_TK.new_zeros(len(self.x_TD), self.experts)
            routing_TE.scatter_(1, self.index_TK, self.weights_TK)
        if len(together) == 1:
            order = [*together, *single]
            return routing_TE.T if order == list(range(self.experts)) else routing_TE.T[order]
        return torch.cat([routing_TE[:, together].sum(dim=1, keepdim=True), routing_TE[:, single]], dim=1).T

    def weight_of(self, experts: Sequence[int]) -> Tensor:
        """Return the sum of some experts' weights, [T, 1]."""
        if self.routing_TE is not None and len(experts) == 1:
            return self.routing_TE.narrow(1, experts[0], 1)
        if self.routing_TE is not None:
            return self.routing_TE[:, experts].sum(dim=1, keepdim=True)
        chosen_TK = torch.isin(self.index_TK, self.index_TK.new_tensor(experts))
        return (self.weights_TK * chosen_TK).sum(dim=1, keepdim=True)

    def choosing(self, experts: Sequence[int]) -> Tensor | None:
        """Return the rows [N] that chose at least one of some experts; None for all."""
        if self.routing_TE is not None or len(experts) == self.experts:
            return None
        rows = torch.isin(self.index_TK, self.index_TK.new_tensor(experts)).any(dim=1).nonzero().squeeze(1)
        return None if len(rows) == len(self.x_TD) else rows


def select_rows(tensor: Tensor, rows: Tensor | slice) -> Tensor:
    """Return some rows of a tensor: a view where `rows` is a slice."""
    return tensor[rows] if isinstance(rows, slice) else tensor.index_select(0, rows)


def add_rows(total: Tensor, rows: Tensor | None, part: Tensor) -> Tensor:
    """Add `part` in place to some rows of `total`, or to all where `rows` is None."""
    return total.add_(part) if rows is None else total.index_add_(0, rows, part)
