"""Pure tensor maths of low rank: one factorization of a delta serves every rank.

For a delta D [out, in] = U·S·Vt the factors are A = sqrt(S)·Vt and B = U·sqrt(S) (PHLoRA, arXiv 2509.10971), held
rank-major: `a` [n, in] and `b` [n, out] with n = min(out, in), so that an adapter of rank r is the prefix [:r] of both
and D ≈ b[:r]ᵀ·a[:r], which by Eckart-Young is the best approximation of that rank.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Method = Literal["gram", "svd"]


@dataclass(frozen=True)
class Factors:
    """A delta's factors, rank-ordered.

    Attributes:
        a: [n, in], sqrt(S)·Vt.
        b: [n, out], (U·sqrt(S))ᵀ.
        s: [n], singular values, falling.
    """

    a: Tensor
    b: Tensor
    s: Tensor


def factorize(delta: Tensor, method: Method = "gram") -> Factors:
    """Factorize a delta [out, in] in fp64.

    `gram` takes the eigenvectors U of the short side's Gram matrix; the other side is the projection Uᵀ·D, whose row
    norms are the singular values, so nothing is divided by a small number that was lost in squaring. `svd` is
    torch.linalg.svd.

    Raises:
        ValueError: the delta is not a matrix, is empty, or holds NaN or infinity.
    """
    if delta.ndim != 2 or 0 in delta.shape:
        raise ValueError(f"found a delta of shape {tuple(delta.shape)}, expected a matrix")
    if not torch.isfinite(delta).all():
        raise ValueError("the delta holds NaN or infinity")
    d = delta.double()
    scale = d.abs().amax()  # so that squares neither overflow nor vanish
    if scale == 0:
        n = min(d.shape)
        return Factors(d.new_zeros(n, d.shape[1]), d.new_zeros(n, d.shape[0]), d.new_zeros(n))
    d = d / scale
    if method == "svd":
        u, s, vt = torch.linalg.svd(d, full_matrices=False)
        root = (s * scale).sqrt()
        return Factors(root[:, None] * vt, root[:, None] * u.T, s * scale)
    if d.shape[0] <= d.shape[1]:
        basis, other, s = _gram(d)
        a, b = other, basis
    else:
        basis, other, s = _gram(d.T)
        a, b = basis, other
    root = scale.sqrt()
    return Factors(a * root, b * root, s * scale)


def _gram(d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Balanced factors of d [short, long] from its Gram matrix: rows over short, rows over long, singular values."""
    _, vectors = torch.linalg.eigh(d @ d.T)
    projection = vectors.T @ d
    s = projection.norm(dim=1)
    s, order = s.sort(descending=True, stable=True)
    root = s.sqrt()
    safe = torch.where(root > 0, root, torch.ones_like(root))
    return root[:, None] * vectors.T[order], projection[order] / safe[:, None], s


def reconstruct(a: Tensor, b: Tensor) -> Tensor:
    """The delta [out, in] of a prefix of factors: a [r, in], b [r, out]; r = 0 gives zeros."""
    return b.T @ a


def adapted(public: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Public weights with an adapter merged in, summed in fp32 (fp64 for fp64) and rounded once to public's dtype."""
    wide = torch.promote_types(public.dtype, torch.float32)
    return (public.to(wide) + reconstruct(a.to(wide), b.to(wide))).to(public.dtype)


def random_like(s: Tensor, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """A random delta of `shape` [out, in] with the given singular values; the vectors are Haar-distributed."""
    n = len(s)
    u, v = (_orthonormal(side, n, generator) for side in shape)
    delta: Tensor = (u * s.double()) @ v.T
    return delta


def _orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    gaussian = torch.randn(rows, columns, dtype=torch.float64, generator=generator)
    q, r = torch.linalg.qr(gaussian)
    signed: Tensor = q * r.diagonal().sign()
    return signed
