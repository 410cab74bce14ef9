"""The delta of a control: random, with the singular values of the delta that it replaces."""

import torch
from torch import Tensor

# Suffixes: I in, O out, N = min(O, I)


def random_delta(s_N: Tensor, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Return a random delta of `shape` [O, I] with given singular values; its vectors are Haar-distributed."""
    n = len(s_N)
    u_ON, v_IN = (_random_orthonormal(side, n, generator) for side in shape)
    delta_OI: Tensor = (u_ON * s_N.double()) @ v_IN.T
    return delta_OI


def _random_orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    gaussian = torch.randn(rows, columns, dtype=torch.float64, generator=generator)
    q, r = torch.linalg.qr(gaussian)
    signed: Tensor = q * r.diagonal().sign()
    return signed
