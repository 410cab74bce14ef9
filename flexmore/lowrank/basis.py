"""The orthonormal basis of a matrix's short side, in fp32 where that is certified to be enough, else in fp64.

On a CPU at 4096 by 11008 fp32 takes about half of fp64's time. What it loses comes from the eigensolver, whose backward
error is of the order of the largest eigenvalue: it mixes directions of small eigenvalues, and a truncation between them
keeps the wrong ones. A flat spectrum does not suffer, a steep one does, so each basis is judged by itself:

- *residual*: ‖D - U·Uᵀ·D‖ by random probes (Hutchinson), which sees lost orthogonality and rounding;
- *mixing*: with H = (Uᵀ·D)(Uᵀ·D)ᵀ, which is diagonal for the true basis, a truncation between i and j loses about
  min(h²/(λi - λj), |h|) of squared error (second-order perturbation; the nuclear norm where eigenvalues crowd). h is
  measured on a sample of rows of H.
"""

import torch
from torch import Tensor

RELATIVE = 1e-5
"""Allowed excess of a truncation's error, relative to the optimum."""

ABSOLUTE = 1e-6
"""Allowed excess, relative to the delta's Frobenius norm."""

SMALL = 512
"""Below this short side fp64 costs nothing, and a sample of rows says little about single pairs."""

_SAMPLES, _PROBES, _SAFETY = 64, 8, 2.0
_BLOCKED, _BLOCKS = 1024, 4
_HOPELESS = 2.0**-16
"""Of the largest eigenvalue: where the smallest is below it, no certificate has been seen, so none is tried."""


Basis = tuple[Tensor, Tensor, Tensor]
"""uᵀ [short, short], the projections uᵀ·d [short, long], singular values, falling."""


def orthonormal_basis(delta: Tensor, scale: Tensor) -> Basis:
    """The basis of delta / scale [short, long], in fp32 or fp64."""
    if delta.dtype == torch.float32 and delta.shape[0] >= SMALL and (found := _certified(delta / scale)) is not None:
        return found
    d = delta.to(torch.float64, copy=True).div_(scale)
    return _project(d, torch.linalg.eigh(gram_matrix(d))[1].T.flip(0))


def _certified(d: Tensor) -> Basis | None:
    """The basis in fp32, None where that is not certified to be enough."""
    try:
        values, vectors = torch.linalg.eigh(gram_matrix(d))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # it did not converge
        return None
    if values[0] < _HOPELESS * values[-1]:
        return None
    found = _project(d, polish(vectors.T.flip(0)))  # the eigensolver's vectors are orthonormal to 3e-6 only
    return found if _good_enough(d, *found) else None


def gram_matrix(d: Tensor) -> Tensor:
    """d·dᵀ [short, short]; of a large one the lower triangle of blocks alone, since the eigensolver reads no more."""
    n = d.shape[0]
    if n < _BLOCKED:
        return d @ d.T
    gram = d.new_zeros(n, n)
    step = -(-n // _BLOCKS)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        torch.mm(d[rows], d[: start + step].T, out=gram[rows, : start + step])
    return gram


def _project(d: Tensor, basis: Tensor) -> Basis:
    """What d has in each direction of a basis, and how much: in falling order."""
    projection = basis @ d
    s = projection.norm(dim=1)
    if bool((s[1:] > s[:-1]).any()):  # the norms are better than the eigenvalues that ordered them
        s, order = s.sort(descending=True, stable=True)
        basis, projection = basis[order], projection[order]
    return basis, projection, s


def polish(basis: Tensor) -> Tensor:
    """One Newton-Schulz step of rows X towards the nearest orthonormal ones: (3 - XXᵀ)/2·X."""
    correction = gram_matrix(basis).tril_()
    correction += correction.T.triu(1)
    correction.mul_(-0.5).diagonal().add_(1.5)
    polished: Tensor = correction @ basis
    return polished


def _good_enough(d: Tensor, basis: Tensor, projection: Tensor, s: Tensor) -> bool:
    """Whether every truncation's error is certified to lie within RELATIVE and ABSOLUTE of the optimum."""
    energies = s.double().square()
    total = energies.sum()
    tails = energies.flip(0).cumsum(0).flip(0)
    kept_out = torch.cat([tails[1:], tails.new_zeros(1)])  # squared error after each rank, U being orthonormal
    lost = _mixing_loss(energies, projection)
    optimum = (kept_out - lost).clamp_min(0).sqrt()
    error = kept_out.sqrt() + _residual(d, basis, projection)
    return bool((error <= (1 + RELATIVE) * optimum + ABSOLUTE * total.sqrt()).all())


def _residual(d: Tensor, basis: Tensor, projection: Tensor) -> Tensor:
    """The Frobenius norm of d - basisᵀ·projection, estimated with random signs."""
    signs = torch.randint(0, 2, (d.shape[1], _PROBES), generator=torch.Generator().manual_seed(0))
    probes = (2.0 * signs - 1).to(d)
    missed = d @ probes - basis.T @ (projection @ probes)
    size: Tensor = missed.double().norm() / _PROBES**0.5
    return size


def _mixing_loss(energies: Tensor, projection: Tensor) -> Tensor:
    """Squared error that a truncation after each component loses to mixing between kept and dropped ones: [n].

    Off-diagonal elements are taken to have the largest root mean square of a sample of rows; since few large ones
    matter more than many small ones, the sum is raised by the factor by which the worst of these rows exceeds that.
    """
    n = len(energies)
    rows = torch.linspace(0, n - 1, min(n, _SAMPLES)).long().to(projection.device)
    coupling = (projection[rows] @ projection.T).double()
    coupling[torch.arange(len(rows), device=rows.device), rows] = 0
    typical = coupling.square().mean(1).amax().sqrt()
    gaps = (energies[:, None] - energies).abs_().clamp_min_(torch.finfo(energies.dtype).tiny)
    pairs = (typical.square() / gaps).clamp_max_(typical)
    measured = torch.minimum(coupling.square() / gaps[rows], coupling.abs()).sum(1)
    factor = (measured / pairs[rows].sum(1).clamp_min(torch.finfo(energies.dtype).tiny)).amax().clamp_min(1)
    pairs.triu_(1)
    return _SAFETY * factor * (pairs.sum(1) - pairs.sum(0)).cumsum(0).clamp_min(0)
