"""Deltas of many kinds of spectrum, and the check of their factors at every rank."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from flexmore.checkpoints.reader import Checkpoint
from flexmore.lowrank.svd import Factors, reconstruct

KINDS = ["flat", "slow", "falling", "steep", "headed", "deficient", "column", "rows", "zero", "tiny", "huge"]


def delta_of(kind: str, out: int, in_: int, seed: int) -> Tensor:
    """Return a random delta [out, in_] whose spectrum is of a kind."""
    generator = torch.Generator().manual_seed(seed)
    d = torch.randn(out, in_, dtype=torch.float64, generator=generator)
    n = min(out, in_)
    match kind:
        case "slow":
            return _with_values(d, torch.arange(1, n + 1, dtype=torch.float64) ** -0.5)
        case "falling":
            return _with_values(d, torch.logspace(0, -7, n, dtype=torch.float64))
        case "steep":
            return _with_values(d, torch.arange(1, n + 1, dtype=torch.float64) ** -3)
        case "headed":
            return _with_values(d, torch.where(torch.arange(n) < 3, 300.0, 1.0).double())
        case "deficient":
            return d[:, :1] @ d[:1]
        case "column":
            return torch.zeros_like(d).index_copy_(1, torch.tensor([0]), d[:, :1])
        case "rows":
            return d * torch.logspace(0, -6, out, dtype=torch.float64)[:, None]
        case "zero":
            return torch.zeros_like(d)
        case "tiny":
            return d * 1e-30
        case "huge":
            return d * 1e30
        case _:
            return d


def _with_values(d: Tensor, s: Tensor) -> Tensor:
    u, _, vt = torch.linalg.svd(d, full_matrices=False)
    return (u * s) @ vt


def check_every_rank(delta: Tensor, found: Factors, ranks: Iterable[int]) -> None:
    """Check that errors are at most (1 + 1e-5) times those of an fp64 SVD + 1e-6 of the norm, and fall with rank."""
    s = torch.linalg.svdvals(delta)
    scale = float(s.norm())
    assert torch.isfinite(found.a).all()
    assert torch.isfinite(found.b).all()
    last = float("inf")
    for rank in ranks:
        error = float((delta - reconstruct(found.a[:rank].double(), found.b[:rank].double())).norm())
        assert error <= float(s[rank:].norm()) * (1 + 1e-5) + 1e-6 * scale, rank
        assert error <= last * (1 + 1e-9) + 1e-6 * scale
        last = error


def expert_delta(folder: Path, layer: int, projection: str) -> Tensor:
    """Return expert minus public of a 2-expert checkpoint, in fp64."""
    checkpoint = Checkpoint(folder)
    return (checkpoint.expert_weight(layer, 1, projection) - checkpoint.expert_weight(layer, 0, projection)).double()
