"""The orthonormal basis of a matrix's short side, in fp32 where that is certified to be enough, else in fp64.

On a CPU at 4096 by 11008 fp32 takes about half of fp64's time. It loses accuracy in the eigensolver, whose backward
error is of the order of the largest eigenvalue: it mixes directions of small eigenvalues, and a truncation between them
keeps the wrong ones. A flat spectrum does not suffer from this, a steep one does, so each basis is certified on its own
by two estimates:

- *residual*: ‖D - U·Uᵀ·D‖ by random probes (Hutchinson), which shows lost orthogonality and rounding;
- *mixing*: with H = (Uᵀ·D)(Uᵀ·D)ᵀ, which is diagonal for the true basis, a truncation between i and j loses about
  min(h²/(λi - λj), |h|) of squared error (second-order perturbation; the nuclear norm where eigenvalues crowd). h is
  computed on a sample of rows of H.
"""

import torch
from torch import Tensor

# Suffixes: N short side, L long side, P probes, K sampled rows

RELATIVE = 1e-5
"""Allowed excess of a truncation's error, relative to the optimum."""

ABSOLUTE = 1e-6
"""Allowed excess, relative to the delta's Frobenius norm."""

SMALL_SIDE = 512
"""Short sides below this are computed in fp64: it takes no longer, and a sample of rows says little about them."""

_SAMPLES, _PROBES, _SAFETY = 64, 8, 2.0
_BLOCKED, _BLOCKS = 1024, 4
_TOO_STEEP = 2.0**-16
"""Of the largest eigenvalue: where the smallest is below it, no basis has been certified, so fp32 is not tried."""


Basis = tuple[Tensor, Tensor, Tensor]
"""uᵀ [N, N], the projections uᵀ·d [N, L], singular values [N], falling."""


def orthonormal_basis(delta_NL: Tensor, scale: Tensor) -> Basis:
    """Return the basis of delta / scale, in fp32 or fp64."""
    if delta_NL.dtype == torch.float32 and delta_NL.shape[0] >= SMALL_SIDE:
        found = _fp32_basis(delta_NL / scale)
        if found is not None:
            return found
    d_NL = delta_NL.to(torch.float64, copy=True).div_(scale)
    return _project(d_NL, torch.linalg.eigh(gram_matrix(d_NL))[1].T.flip(0))


def _fp32_basis(d_NL: Tensor) -> Basis | None:
    """Return the basis in fp32, None where that is not certified to be enough."""
    try:
        values_N, vectors_NN = torch.linalg.eigh(gram_matrix(d_NL))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # it did not converge
        return None
    if values_N[0] < _TOO_STEEP * values_N[-1]:
        return None
    # the eigensolver's vectors are orthonormal to 3e-6 only
    found = _project(d_NL, newton_schulz_step(vectors_NN.T.flip(0)))
    return found if _is_certified(d_NL, *found) else None


def gram_matrix(d_NL: Tensor) -> Tensor:
    """Return d·dᵀ [N, N]; of a large one the lower triangle of blocks alone, since the eigensolver reads no more."""
    n = d_NL.shape[0]
    if n < _BLOCKED:
        return d_NL @ d_NL.T
    gram_NN = d_NL.new_zeros(n, n)
    step = -(-n // _BLOCKS)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        torch.mm(d_NL[rows], d_NL[: start + step].T, out=gram_NN[rows, : start + step])
    return gram_NN


def _project(d_NL: Tensor, basis_NN: Tensor) -> Basis:
    """Return a basis with the projections of d on it and their norms, in falling order."""
    projection_NL = basis_NN @ d_NL
    s_N = projection_NL.norm(dim=1)
    if bool((s_N[1:] > s_N[:-1]).any()):  # the norms are more exact than the eigenvalues that ordered them
        s_N, order = s_N.sort(descending=True, stable=True)
        basis_NN, projection_NL = basis_NN[order], projection_NL[order]
    return basis_NN, projection_NL, s_N


def newton_schulz_step(basis_NN: Tensor) -> Tensor:
    """Move rows X one Newton-Schulz step towards the nearest orthonormal ones: (3 - XXᵀ)/2·X."""
    correction_NN = gram_matrix(basis_NN).tril_()
    correction_NN += correction_NN.T.triu(1)
    correction_NN.mul_(-0.5).diagonal().add_(1.5)
    moved_NN: Tensor = correction_NN @ basis_NN
    return moved_NN


def _is_certified(d_NL: Tensor, basis_NN: Tensor, projection_NL: Tensor, s_N: Tensor) -> bool:
    """Tell whether every truncation's error is certified to lie within RELATIVE and ABSOLUTE of the optimum."""
    energies_N = s_N.double().square()
    total = energies_N.sum()
    tails_N = energies_N.flip(0).cumsum(0).flip(0)
    dropped_N = torch.cat([tails_N[1:], tails_N.new_zeros(1)])  # squared error after each rank, U being orthonormal
    lost_N = _mixing_loss(energies_N, projection_NL)
    optimum_N = (dropped_N - lost_N).clamp_min(0).sqrt()
    error_N = dropped_N.sqrt() + _residual(d_NL, basis_NN, projection_NL)
    return bool((error_N <= (1 + RELATIVE) * optimum_N + ABSOLUTE * total.sqrt()).all())


def _residual(d_NL: Tensor, basis_NN: Tensor, projection_NL: Tensor) -> Tensor:
    """Estimate the Frobenius norm of d - basisᵀ·projection with random signs."""
    signs_LP = torch.randint(0, 2, (d_NL.shape[1], _PROBES), generator=torch.Generator().manual_seed(0))
    probes_LP = (2.0 * signs_LP - 1).to(d_NL)
    missed_NP = d_NL @ probes_LP - basis_NN.T @ (projection_NL @ probes_LP)
    size: Tensor = missed_NP.double().norm() / _PROBES**0.5
    return size


def _mixing_loss(energies_N: Tensor, projection_NL: Tensor) -> Tensor:
    """Return the squared error that a truncation after each component loses to mixing of kept and dropped ones, [N].

    Off-diagonal elements are taken to have the largest root mean square of a sample of rows. Since few large ones
    matter more than many small ones, the sum is raised by the factor by which the worst of these rows exceeds that.
    """
    n = len(energies_N)
    rows_K = torch.linspace(0, n - 1, min(n, _SAMPLES)).long().to(projection_NL.device)
    coupling_KN = (projection_NL[rows_K] @ projection_NL.T).double()
    coupling_KN[torch.arange(len(rows_K), device=rows_K.device), rows_K] = 0
    typical = coupling_KN.square().mean(1).amax().sqrt()
    tiny = torch.finfo(energies_N.dtype).tiny
    gaps_NN = (energies_N[:, None] - energies_N).abs_().clamp_min_(tiny)
    pairs_NN = (typical.square() / gaps_NN).clamp_max_(typical)
    sampled_K = torch.minimum(coupling_KN.square() / gaps_NN[rows_K], coupling_KN.abs()).sum(1)
    factor = (sampled_K / pairs_NN[rows_K].sum(1).clamp_min(tiny)).amax().clamp_min(1)
    pairs_NN.triu_(1)
    return _SAFETY * factor * (pairs_NN.sum(1) - pairs_NN.sum(0)).cumsum(0).clamp_min(0)
