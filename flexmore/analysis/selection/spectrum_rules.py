"""Rules that read ranks from singular values alone, without any score.

Each rule gives a number for one projection of one layer; an expert needs the largest over its projections, rounded up
to a rank of the ladder.
"""

import math
from collections.abc import Callable

import numpy as np

from flexmore.analysis.selection.evidence import Evidence
from flexmore.analysis.statistics.scopes import Array
from flexmore.errors import FlexmoreError

TINY = 1e-3
"""Singular values of at most this share of their sum are dropped by `truncated_effective`."""


def effective(sigma: Array) -> float:
    """Return the effective rank exp(H(p)), p = sigma / sum(sigma); 0 for a delta of zeros.

    Source: Roy and Vetterli 2007.
    """
    share = sigma[sigma > 0] / sigma.sum() if sigma.sum() > 0 else np.zeros(0)
    return float(np.exp(-(share * np.log(share)).sum())) if len(share) else 0.0


def truncated_effective(sigma: Array) -> float:
    """Return the effective rank of the values above `TINY` of the sum."""
    return effective(sigma[sigma > TINY * sigma.sum()])


def stable(sigma: Array) -> float:
    """Return the stable rank: squared Frobenius norm over squared spectral norm."""
    return float(np.square(sigma).sum() / sigma.max() ** 2) if sigma.max() > 0 else 0.0


def energy(sigma: Array, share: float) -> float:
    """Return the smallest number of leading values that hold `share` of the sum of squares."""
    squares = np.cumsum(np.square(np.sort(sigma)[::-1]))
    return float(np.searchsorted(squares, share * squares[-1] * (1 - 1e-12)) + 1) if squares[-1] > 0 else 0.0


def gavish_donoho(sigma: Array, long_side: int) -> float:
    """Count the values above the optimal hard threshold for unknown noise, omega(beta) * median.

    Source: Gavish and Donoho 2014, equation 5, with their cubic approximation of omega.

    Args:
        long_side: of the matrix whose min(m, n) singular values `sigma` holds.
    """
    beta = len(sigma) / long_side
    omega = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
    return float((sigma > omega * np.median(sigma)).sum())


def rank_needed(name: str, evidence: Evidence) -> dict[str, float]:
    """Return the rank that a rule asks for: expert -> the largest over its projections, at least 1.

    Raises:
        FlexmoreError: there are no spectra, or those of an expert are missing.
    """
    spectra = evidence.spectra
    experts = list(evidence.candidates["expert"].unique())
    if spectra is None:
        raise FlexmoreError(f"selection {name!r} reads singular values, and there are none; factorize first")
    if lacking := sorted(set(experts) - set(spectra["expert"])):
        raise FlexmoreError(f"selection {name!r}: no singular values of {', '.join(lacking)}; factorize them first")
    found = {}
    for expert in experts:
        own = spectra[spectra["expert"] == expert]
        layers = own["layer"].nunique()
        rule = _rule(name, evidence, str(expert), layers)
        matrices = own.sort_values("index").groupby(["layer", "projection"])["value"]
        found[str(expert)] = max(1.0, *(rule(matrix.to_numpy(dtype=np.float64)) for _, matrix in matrices))
    return found


def _rule(name: str, evidence: Evidence, expert: str, layers: int) -> Callable[[Array], float]:
    """Return the function from singular values to a rank."""
    if name == "energy":
        return lambda sigma: energy(sigma, evidence.settings.energy)
    if name == "gavish_donoho":
        sides = _sides(evidence, expert, layers)
        return lambda sigma: gavish_donoho(sigma, max(round(sides - len(sigma)), len(sigma)))
    return {"effective": effective, "stable": stable, "truncated_effective": truncated_effective}[name]


def _sides(evidence: Evidence, expert: str, layers: int) -> float:
    """Return the sum of both sides of an expert's projections.

    An adapter has 3 * layers * (sum of sides) parameters for each unit of rank.
    """
    own = evidence.candidates[evidence.candidates["expert"] == expert].sort_values("effective_rank")
    if len(own) < 2:
        raise FlexmoreError(
            f"selection 'gavish_donoho': a single rank of {expert}; the sides of its projections are read from the "
            "parameters of two"
        )
    first, last = own.iloc[0], own.iloc[-1]
    per_rank = (last["parameters"] - first["parameters"]) / (last["effective_rank"] - first["effective_rank"])
    return math.nan if layers == 0 else float(per_rank / (3 * layers))
