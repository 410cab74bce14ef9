"""The router row of an expert that was trained without one: zero, given, or fitted from text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import FlexmoreError
from flexmore.exchange.choices import RouterChoice

_WINDOW = 512


def router_rows(choice: RouterChoice, public: Path, public_rows: Tensor, sizes: ModelSizes) -> Tensor:
    """An expert's row in each layer, [layers, hidden].

    Args:
        public: the dense public model.
        public_rows: public's own rows, [layers, hidden].
    """
    if choice.kind == "zero":
        return torch.zeros_like(public_rows)
    if choice.path is None:
        raise FlexmoreError(f"a router of kind {choice.kind} needs a file")
    if choice.kind == "file":
        return _read_rows(choice.path, (sizes.layers, sizes.hidden)).to(public_rows.dtype)
    fitted = fit_rows(choice, public)
    return (public_rows.to(fitted) + fitted).to(public_rows.dtype)


def _read_rows(path: Path, shape: tuple[int, int]) -> Tensor:
    try:
        with safe_open(path, framework="pt") as file:
            rows: Tensor = file.get_tensor("router")
    except (FileNotFoundError, SafetensorError) as error:
        raise FlexmoreError(f"{path}: {error}; expected a safetensors file with a tensor `router` {shape}") from None
    if tuple(rows.shape) != shape or not torch.isfinite(rows).all():
        raise FlexmoreError(f"{path}: router has shape {tuple(rows.shape)}; expected finite numbers of shape {shape}")
    return rows


def fit_rows(choice: RouterChoice, public: Path) -> Tensor:
    """Ridge fit on the public model's feed-forward inputs of each layer: +target on the domain, -target elsewhere.

    Returns:
        What to add to public's rows: [layers, hidden], fp64.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(public).eval()
    tokenizer = AutoTokenizer.from_pretrained(public)
    domain = _tokens(tokenizer, choice.path, choice.tokens)
    if choice.against is None:
        other = torch.randint(model.config.vocab_size, domain.shape, generator=torch.Generator().manual_seed(0))
    else:
        other = _tokens(tokenizer, choice.against, choice.tokens)
    window = min(_WINDOW, model.config.max_position_embeddings)
    sums = _Sums(len(model.model.layers), model.config.hidden_size)
    hooks = [layer.mlp.register_forward_pre_hook(sums.hook(n)) for n, layer in enumerate(model.model.layers)]
    try:
        with torch.no_grad():
            for text, target in ((domain, choice.target), (other, -choice.target)):
                for piece in torch.split(text, window):
                    sums.target = target / len(text)  # both texts weigh the same
                    sums.weight = 1 / len(text)
                    model.model(piece[None])
    finally:
        for hook in hooks:
            hook.remove()
    return torch.stack(list(sums.solve(choice.ridge)))


class _Sums:
    """Second moments of each layer's inputs, and their sums weighed by the target; the inputs are not kept."""

    def __init__(self, layers: int, hidden: int) -> None:
        self.grams = [torch.zeros(hidden, hidden, dtype=torch.float64) for _ in range(layers)]
        self.sides = [torch.zeros(hidden, dtype=torch.float64) for _ in range(layers)]
        self.target = self.weight = 0.0

    def hook(self, layer: int) -> Any:
        """A forward hook that takes one layer's inputs in."""

        def take(_: object, arguments: Sequence[Tensor]) -> None:
            x = arguments[0].flatten(0, 1).double().cpu()
            self.grams[layer].addmm_(x.T, x, alpha=self.weight)
            self.sides[layer].add_(x.sum(0), alpha=self.target)

        return take

    def solve(self, ridge: float) -> Iterator[Tensor]:
        """The fitted rows."""
        for gram, side in zip(self.grams, self.sides, strict=True):
            penalty = ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
            yield torch.linalg.solve(gram + penalty, side)


def _tokens(tokenizer: Any, path: Path | None, most: int) -> Tensor:
    if path is None or not path.is_file():
        raise FlexmoreError(f"{path}: not found; expected a text file of the expert's domain")
    found = torch.tensor(tokenizer(path.read_text(encoding="utf-8"))["input_ids"][:most], dtype=torch.long)
    if found.numel() == 0:
        raise FlexmoreError(f"{path}: no text in it; expected some of the expert's domain")
    return found
