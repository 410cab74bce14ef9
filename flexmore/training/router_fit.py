"""Router rows fitted by ridge regression on a model's feed-forward inputs: +target on the domain, -target elsewhere.

Only second moments of the inputs are kept, so that any amount of text fits in memory.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

# Suffixes: B texts of a batch, T tokens, D hidden, L layers


def fit_router_rows(
    model: Any, domain: Iterable[Tensor], other: Iterable[Tensor], *, target: float, ridge: float
) -> Tensor:
    """Fit a router row for each layer of a dense model, which tells a domain's text from other text.

    Args:
        model: a transformers model whose layers `model.model.layers` have a feed-forward part `mlp`.
        domain: batches of token ids [B, T] of the domain.
        other: batches of token ids [B, T] of other text; both sides weigh the same, however long they are.
        target: the logit wanted on the domain; elsewhere its negative is.
        ridge: the penalty on squared weights, relative to the inputs' mean square.

    Returns:
        [L, D], fp64.
    """
    layers = model.model.layers
    moments = [_Moments(model.config.hidden_size) for _ in layers]
    hooks = [layer.mlp.register_forward_pre_hook(one.take) for layer, one in zip(layers, moments, strict=True)]
    try:
        for batches_BT, wanted in ((list(domain), target), (list(other), -target)):
            for one in moments:
                one.weight = 1 / sum(tokens_BT.numel() for tokens_BT in batches_BT)
                one.target = wanted
            with torch.no_grad():
                for tokens_BT in batches_BT:
                    model.model(tokens_BT, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack([one.solve(ridge) for one in moments])


class _Moments:
    """Hold the weighted sums of x·xᵀ and x·target over the inputs x of one layer.

    Attributes:
        weight: of each input that is taken next.
        target: of each input that is taken next.
    """

    def __init__(self, hidden: int) -> None:
        self.gram_DD = torch.zeros(hidden, hidden, dtype=torch.float64)
        self.side_D = torch.zeros(hidden, dtype=torch.float64)
        self.weight = self.target = 0.0

    def take(self, _: object, arguments: Sequence[Tensor]) -> None:
        """Add a layer's inputs; a forward pre-hook."""
        x_TD = arguments[0].flatten(0, 1).double().cpu()
        self.gram_DD.addmm_(x_TD.T, x_TD, alpha=self.weight)
        self.side_D.add_(x_TD.sum(0), alpha=self.target * self.weight)

    def solve(self, ridge: float) -> Tensor:
        """Return the row [D] that the sums determine."""
        penalty_DD = ridge * self.gram_DD.diagonal().mean() * torch.eye(len(self.gram_DD), dtype=torch.float64)
        row_D: Tensor = torch.linalg.solve(self.gram_DD + penalty_DD, self.side_D)
        return row_D
