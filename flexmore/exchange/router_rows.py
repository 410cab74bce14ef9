"""The router rows of an expert that was trained without a router: zero, read from a file, or fitted to text."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import FlexmoreError
from flexmore.exchange.choices import RouterChoice
from flexmore.training.router_fit import fit_router_rows

_WINDOW = 512
"""Tokens that the public model reads at a time."""


def router_rows(choice: RouterChoice, public: Path, public_rows: Tensor, sizes: ModelSizes) -> Tensor:
    """Return an expert's router row of each layer, [layers, hidden].

    Args:
        public: the folder of the dense public model.
        public_rows: public's own rows, [layers, hidden].

    Raises:
        FlexmoreError: a file is missing, or does not hold what is needed.
    """
    if choice.source == "zero":
        return torch.zeros_like(public_rows)
    if choice.path is None:
        raise FlexmoreError(f"--router {choice.source} needs a file; name it with --router-file FILE")
    if choice.source == "file":
        return _read_rows(choice.path, (sizes.layers, sizes.hidden)).to(public_rows.dtype)
    fitted = _fit_rows(choice, public)
    return (public_rows.to(fitted) + fitted).to(public_rows.dtype)


def _read_rows(path: Path, shape: tuple[int, int]) -> Tensor:
    """Return the tensor `router` of a safetensors file, which must have `shape`."""
    try:
        with safe_open(path, framework="pt") as file:
            rows: Tensor = file.get_tensor("router")
    except (FileNotFoundError, SafetensorError) as error:
        raise FlexmoreError(f"{path}: {error}; expected a safetensors file with a tensor `router` {shape}") from None
    if tuple(rows.shape) != shape or not torch.isfinite(rows).all():
        raise FlexmoreError(f"{path}: router has shape {tuple(rows.shape)}; expected finite numbers of shape {shape}")
    return rows


def _fit_rows(choice: RouterChoice, public: Path) -> Tensor:
    """Fit rows to the public model's feed-forward inputs on the texts of a choice.

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
    pieces = [[piece[None] for piece in torch.split(text, window)] for text in (domain, other)]
    return fit_router_rows(model, *pieces, target=choice.target, ridge=choice.ridge)


def _tokens(tokenizer: Any, path: Path | None, most: int) -> Tensor:
    """Return the first tokens of a text file, at most `most`."""
    if path is None or not path.is_file():
        raise FlexmoreError(f"{path}: not found; expected a text file of the expert's domain")
    found = torch.tensor(tokenizer(path.read_text(encoding="utf-8"))["input_ids"][:most], dtype=torch.long)
    if found.numel() == 0:
        raise FlexmoreError(f"{path}: no text in it; expected some of the expert's domain")
    return found
