"""The factors of a delta, one factorization for every rank.

For a delta D = U·S·Vt the factors are A = sqrt(S)·Vt and B = U·sqrt(S) (PHLoRA, arXiv 2509.10971), held rank-major:
`a` [n, in] and `b` [n, out] with n = min(out, in), so that an adapter of rank r is the prefix [:r] of both and
D ≈ b[:r]ᵀ·a[:r], which by Eckart-Young is the best approximation of that rank.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from flexmore.lowrank.basis import orthonormal_basis

# Suffixes: I in, O out, R rank, N = min(O, I)

Method = Literal["gram", "svd"]


@dataclass(frozen=True)
class Factors:
    """Hold a delta's factors, ordered by rank.

    Attributes:
        a: [N, I], sqrt(S)·Vt.
        b: [N, O], (U·sqrt(S))ᵀ.
        s: [N], singular values, falling.
    """

    a: Tensor
    b: Tensor
    s: Tensor


def factorize(delta_OI: Tensor, method: Method = "gram") -> Factors:
    """Factorize a delta, on its device.

    `gram` takes the eigenvectors U of the short side's Gram matrix; the other side is the projection Uᵀ·D, whose row
    norms are the singular values, so nothing is divided by a small number that was lost in squaring. An fp32 delta is
    computed in fp32 where that is certified to be enough (`flexmore.lowrank.basis`), else in fp64, as an fp64 delta
    always is. `svd` is torch.linalg.svd in fp64.

    Returns:
        Factors in the dtype of the computation. Their error at every rank is at most (1 + 1e-5) times the optimum plus
        1e-6 times the delta's Frobenius norm.

    Raises:
        ValueError: the delta is not a matrix, is empty, or holds NaN or infinity.
    """
    if delta_OI.ndim != 2 or 0 in delta_OI.shape:
        raise ValueError(f"found a delta of shape {tuple(delta_OI.shape)}, expected a matrix")
    low, high = delta_OI.aminmax()
    scale = torch.maximum(-low, high)  # so that squares neither overflow nor vanish
    if not torch.isfinite(scale):
        raise ValueError("the delta holds NaN or infinity")
    if scale == 0:
        out, inner = delta_OI.shape
        n = min(out, inner)
        return Factors(delta_OI.new_zeros(n, inner), delta_OI.new_zeros(n, out), delta_OI.new_zeros(n))
    if method == "svd":
        u_ON, s_N, vt_NI = torch.linalg.svd(delta_OI.double() / scale.double(), full_matrices=False)
        found = Factors(s_N.sqrt()[:, None] * vt_NI, s_N.sqrt()[:, None] * u_ON.T, s_N)
    else:
        found = _factorize_gram(delta_OI, scale)
    scale = scale.to(found.s.dtype)
    found.a.mul_(scale.sqrt())
    found.b.mul_(scale.sqrt())
    return Factors(found.a, found.b, found.s * scale)


def _factorize_gram(delta_OI: Tensor, scale: Tensor) -> Factors:
    """Return the factors of delta / scale from its Gram matrix."""
    wide = delta_OI.shape[0] <= delta_OI.shape[1]
    basis, projection, s_N = orthonormal_basis(delta_OI if wide else delta_OI.T, scale)
    root_N = s_N.sqrt()
    projection.div_(torch.where(root_N > 0, root_N, torch.ones_like(root_N))[:, None])
    basis.mul_(root_N[:, None])
    return Factors(projection, basis, s_N) if wide else Factors(basis, projection, s_N)


def factorize_product(a_RI: Tensor, b_RO: Tensor) -> Factors:
    """Factorize the product bᵀ·a of any two matrices, such as those of a LoRA adapter, in fp64.

    The product is never formed: QR of both sides, then SVD of the core [R, R].

    Returns:
        As `factorize` of the product, its leading min(R, O, I) components.
    """
    q_in, r_in = torch.linalg.qr(a_RI.double().T)
    q_out, r_out = torch.linalg.qr(b_RO.double().T)
    u, s_N, vt = torch.linalg.svd(r_out @ r_in.T, full_matrices=False)
    root_N1 = s_N.sqrt()[:, None]
    return Factors(root_N1 * (vt @ q_in.T), root_N1 * (q_out @ u).T, s_N)


def reconstruct(a_RI: Tensor, b_RO: Tensor) -> Tensor:
    """Return the delta [O, I] of a prefix of factors; rank 0 gives zeros."""
    return b_RO.T @ a_RI


def merge_adapter(public_OI: Tensor, a_RI: Tensor, b_RO: Tensor) -> Tensor:
    """Return public weights with an adapter merged in, [O, I].

    The sum is taken in fp32 (fp64 for fp64 weights) and rounded once to the dtype of the public weights.
    """
    wide = torch.promote_types(public_OI.dtype, torch.float32)
    return reconstruct(a_RI.to(wide), b_RO.to(wide)).add_(public_OI).to(public_OI.dtype)
