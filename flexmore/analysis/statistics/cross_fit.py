"""Choices made on one half and judged on the other: means of every mixture on both sides of every fold.

The halves are of the items (whole clusters, in blocks), or of the tasks of every group. Each way of dealing gives two
folds, since either half may judge. What is judged is a difference of two mixtures that may change from fold to fold;
its value is the mean over all folds, and its error comes from the residuals of the units that were dealt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from flexmore.analysis.statistics.blocks import BLOCKS, blocks_of, paired_halves
from flexmore.analysis.statistics.clusters import random_order
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes

SALTS = 10
"""Ways of dealing; there are twice as many folds."""
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class CrossFit:
    """Hold what choices are made from and judged by.

    Attributes:
        names: of the rows: mixtures.
        scopes: what means are over.
        whole: means over everything: scopes x rows.
        train: means over what may choose: scopes x folds x rows.
        test: means over what judges.
        held: which units judge: folds x units.
        residuals: of each unit: scopes x rows x units; their squares add up to the variance of a mean.
        freedom: degrees of freedom of these variances: scopes.
    """

    names: tuple[str, ...]
    scopes: Scopes
    whole: Array
    train: Array
    test: Array
    held: NDArray[np.bool_]
    residuals: Array
    freedom: Array

    @property
    def folds(self) -> int:
        """Return the number of folds."""
        return len(self.held)


@dataclass(frozen=True)
class Difference:
    """Hold a difference of two rows in every fold.

    Attributes:
        plus, minus: rows, one each per fold.
        weight: of each fold: 1, or 0 where nothing is claimed.
    """

    plus: Rows
    minus: Rows
    weight: Array

    def values(self, means: Array) -> Array:
        """Return the difference in every fold; `means` is folds x rows."""
        folds = np.arange(len(self.plus))
        found: Array = self.weight * (means[folds, self.plus] - means[folds, self.minus])
        return found


@dataclass(frozen=True)
class Estimate:
    """Hold an estimate and its error; all missing where nothing is known."""

    value: float
    error: float
    freedom: float

    @property
    def p(self) -> float:
        """Return the one-sided p of a true value of zero or less."""
        if np.isnan(self.error):
            return 1.0
        if self.error == 0:
            return float(self.value <= 0)
        return float(stdtr(self.freedom, -self.value / self.error))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval."""
        half = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.error if self.error else self.error
        return self.value - half, self.value + half


def over_items(item_scores: ItemScores, scopes: Scopes) -> CrossFit:
    """Deal the items of every task into halves, cluster by cluster."""
    blocks = blocks_of(item_scores)
    halves = paired_halves("items", SALTS, BLOCKS // 2)
    held = np.concatenate([halves, ~halves])
    means = blocks.half_means(held)  # of fold f's other half: fold f + SALTS, and the reverse
    test = _on(scopes, means)
    train = np.concatenate([test[:, SALTS:], test[:, :SALTS]], axis=1)
    residuals = np.sqrt(BLOCKS / (BLOCKS - 1)) * np.einsum(
        "st,rtb->srb", scopes.weights, blocks.residuals, optimize=True
    )
    whole = np.round(scopes.weights @ blocks.means.T, DIGITS)
    freedom = np.full(len(scopes.index), BLOCKS - 1.0)
    return CrossFit(blocks.names, scopes, whole, train, test, held, residuals, freedom)


def _on(scopes: Scopes, means: Array) -> Array:
    """Return means on scopes: rows x tasks x folds to scopes x folds x rows."""
    found: Array = np.round(np.einsum("st,rtf->sfr", scopes.weights, means, optimize=True), DIGITS)
    return found


def over_tasks(item_scores: ItemScores, scopes: Scopes, groups: Sequence[str]) -> CrossFit:
    """Deal the tasks of every group into halves.

    A scope is missing where a half of one of its groups has no task in it.

    Args:
        groups: of each task.
    """
    means = item_scores.means()
    halves = np.zeros((SALTS, len(groups)), dtype=np.bool_)
    for group in dict.fromkeys(groups):
        own = np.array([task for task, name in enumerate(groups) if name == group])
        own = own[random_order(f"tasks/{group}", len(own))]
        pairs = (len(own) + 1) // 2
        halves[:, own] = paired_halves(f"tasks/{group}", SALTS, pairs)[:, : len(own)]
    held = np.concatenate([halves, ~halves])
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    member = np.equal.outer(np.arange(codes.max() + 1), codes).astype(np.float64)  # groups x tasks
    test = np.stack([means @ _shares(scopes.weights, side, member).T for side in held]).transpose(2, 0, 1)
    train = np.concatenate([test[:, SALTS:], test[:, :SALTS]], axis=1)
    used = (scopes.weights != 0).astype(np.float64)
    counts = (used @ member.T)[:, codes] * used  # of a scope's tasks in the task's group
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = np.einsum("st,rt,gt->srg", used, means, member) / (used @ member.T)[:, None, :]
        scale = np.where(counts > 1, np.sqrt(counts / (counts - 1)), np.where(counts == 1, np.nan, 0.0))
    centred = np.where(used[:, None, :] > 0, means - centre[:, :, codes], 0.0)
    residuals = (scopes.weights * scale)[:, None, :] * centred
    freedom = used.sum(axis=1) - ((used @ member.T) > 0).sum(axis=1)
    whole = np.round(scopes.weights @ means.T, DIGITS)
    return CrossFit(item_scores.names, scopes, whole, train, test, held, residuals, freedom)


def _shares(weights: Array, side: NDArray[np.bool_], member: Array) -> Array:
    """Return the weights of the tasks on one side, each group keeping its whole; missing where a group has none."""
    inside = weights * side
    whole, kept = weights @ member.T, inside @ member.T
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(whole == 0, 0.0, np.where(kept == 0, np.nan, whole / kept))
    found: Array = inside * (factor @ member)
    found[np.isnan(factor).any(axis=1)] = np.nan
    return found


def estimate(found: CrossFit, scope: int, difference: Difference, wobble: float = 0.0) -> Estimate:
    """Estimate one difference.

    Args:
        scope: place of the scope.
        difference: of two rows, per fold.
        wobble: standard deviation of a score beyond its items, of each row but the first (public).
    """
    value, residual = _linear(found, scope, difference)
    variance = float(residual @ residual)
    if wobble:
        net = np.zeros(len(found.names))
        np.add.at(net, difference.plus, difference.weight / found.folds)
        np.add.at(net, difference.minus, -difference.weight / found.folds)
        variance += wobble**2 * float(net[1:] @ net[1:])
    return Estimate(value, float(np.sqrt(variance)), float(found.freedom[scope]))


def estimate_mean(found: CrossFit, scope: int, differences: Sequence[Difference]) -> Estimate:
    """Estimate the mean over experts of a difference that each has, for experts like these.

    Its variance is that between the experts, over their number, which holds the noise that each has of its own, and the
    covariance of their noise over items (or tasks), which they answer alike: they are compared with the same public
    scores, and the same items are hard for all. Degrees of freedom are Satterthwaite's.
    """
    count = len(differences)
    each = [_linear(found, scope, difference) for difference in differences]
    values, residuals = np.array([value for value, _ in each]), np.stack([residual for _, residual in each])
    if count < 2:
        return Estimate(float(values.mean()), float("nan"), float("nan"))
    between = float(values.var(ddof=1)) / count
    covariance = residuals @ residuals.T
    common = max(0.0, float(covariance.sum() - np.trace(covariance)) / (count * (count - 1)))
    variance = between + common
    freedom = np.inf
    if variance > 0:
        freedom = variance**2 / (between**2 / (count - 1) + common**2 / found.freedom[scope])
    return Estimate(float(values.mean()), float(np.sqrt(variance)), float(freedom))


def _linear(found: CrossFit, scope: int, difference: Difference) -> tuple[float, Array]:
    """Return the mean over folds of a difference, and each unit's residual of it."""
    value = float(np.mean(difference.values(found.test[scope])))
    rows = found.residuals[scope]
    each = (rows[difference.plus] - rows[difference.minus]) * difference.weight[:, None]
    residual: Array = 2 * (each * found.held).mean(axis=0)
    return value, residual
