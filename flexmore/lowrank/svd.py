"""Pure tensor maths of low rank: one factorization of a delta serves every rank.

For a delta D [out, in] = U·S·Vt the factors are A = sqrt(S)·Vt and B = U·sqrt(S) (PHLoRA, arXiv 2509.10971), held
rank-major: `a` [n, in] and `b` [n, out] with n = min(out, in), so that an adapter of rank r is the prefix [:r] of both
and D ≈ b[:r]ᵀ·a[:r], which by Eckart-Young is the best approximation of that rank.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from flexmore.lowrank.basis import orthonormal_basis

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
    """Factorize a delta [out, in], on its device.

    `gram` takes the eigenvectors U of the short side's Gram matrix; the other side is the projection Uᵀ·D, whose row
    norms are the singular values, so nothing is divided by a small number that was lost in squaring. An fp32 delta is
    worked in fp32 where that is certified to be enough (`eigen.py`), else in fp64, as an fp64 delta always is. `svd` is
    torch.linalg.svd in fp64.

    Returns:
        Factors in the dtype that was worked in. Their error at every rank is at most (1 + 1e-5) times the optimum plus
        1e-6 times the delta's Frobenius norm.

    Raises:
        ValueError: the delta is not a matrix, is empty, or holds NaN or infinity.
    """
    if delta.ndim != 2 or 0 in delta.shape:
        raise ValueError(f"found a delta of shape {tuple(delta.shape)}, expected a matrix")
    low, high = delta.aminmax()
    scale = torch.maximum(-low, high)  # so that squares neither overflow nor vanish
    if not torch.isfinite(scale):
        raise ValueError("the delta holds NaN or infinity")
    if scale == 0:
        n = min(delta.shape)
        return Factors(delta.new_zeros(n, delta.shape[1]), delta.new_zeros(n, delta.shape[0]), delta.new_zeros(n))
    if method == "svd":
        u, s, vt = torch.linalg.svd(delta.double() / scale.double(), full_matrices=False)
        found = Factors(s.sqrt()[:, None] * vt, s.sqrt()[:, None] * u.T, s)
    else:
        found = _gram(delta, scale)
    scale = scale.to(found.s.dtype)
    found.a.mul_(scale.sqrt())
    found.b.mul_(scale.sqrt())
    return Factors(found.a, found.b, found.s * scale)


def _gram(delta: Tensor, scale: Tensor) -> Factors:
    """Balanced factors of delta / scale from its Gram matrix."""
    wide = delta.shape[0] <= delta.shape[1]
    basis, projection, s = orthonormal_basis(delta if wide else delta.T, scale)
    root = s.sqrt()
    projection.div_(torch.where(root > 0, root, torch.ones_like(root))[:, None])
    basis.mul_(root[:, None])
    return Factors(projection, basis, s) if wide else Factors(basis, projection, s)


def balanced(a: Tensor, b: Tensor) -> Factors:
    """The factors of a product bᵀ·a of any two matrices: a [r, in], b [r, out], rank-major.

    Never forms the product: QR of both sides, SVD of the core [r, r], in fp64.

    Returns:
        As `factorize` of the product, its leading min(r, out, in) components.
    """
    q_in, r_in = torch.linalg.qr(a.double().T)
    q_out, r_out = torch.linalg.qr(b.double().T)
    u, s, vt = torch.linalg.svd(r_out @ r_in.T, full_matrices=False)
    root = s.sqrt()[:, None]
    return Factors(root * (vt @ q_in.T), root * (q_out @ u).T, s)


def reconstruct(a: Tensor, b: Tensor) -> Tensor:
    """The delta [out, in] of a prefix of factors: a [r, in], b [r, out]; r = 0 gives zeros."""
    return b.T @ a


def adapted(public: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Public weights with an adapter merged in, summed in fp32 (fp64 for fp64) and rounded once to public's dtype."""
    wide = torch.promote_types(public.dtype, torch.float32)
    return reconstruct(a.to(wide), b.to(wide)).add_(public).to(public.dtype)


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
