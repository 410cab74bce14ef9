"""Monotone fits of many curves at once, and where they reach a share of the whole gain."""

import numpy as np
from numpy.typing import NDArray

from flexmore.analysis.statistics.scopes import Array


def monotone(values: Array) -> Array:
    """Return the nearest non-decreasing sequence in least squares (isotonic regression), along the last axis.

    The max-min formula (Barlow et al. 1972): fit_i = max over j <= i of min over k >= i of mean(j..k), for all curves
    of an array at once. `scipy.optimize.isotonic_regression`, which the tests compare it with, takes one curve at a
    time.
    """
    length = values.shape[-1]
    if length == 0:
        return values
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    start, end = np.arange(length)[:, None], np.arange(length)[None, :]
    inside = end >= start
    means = (sums[..., None, 1:] - sums[..., :-1, None]) / np.where(inside, end - start + 1, 1)
    least = np.minimum.accumulate(np.where(inside, means, np.inf)[..., ::-1], axis=-1)[..., ::-1]
    fit: Array = np.where(inside, least, -np.inf).max(axis=-2)
    # sums leave rounding behind, which must not make a fit fall
    rising: Array = np.maximum.accumulate(fit, axis=-1)
    return rising


def reach(fit: Array, target: Array) -> NDArray[np.int64]:
    """Return the first index, along the last axis, whose fit is at least `target`; the length where there is none.

    A difference of 1e-12 is allowed, so that equal gains summed in another order stay equal.
    """
    enough = fit >= target[..., None] - 1e-12
    places: NDArray[np.int64] = np.where(enough.any(axis=-1), enough.argmax(axis=-1), fit.shape[-1])
    return places


def crossing(log2_ranks: Array, fit: Array, target: Array) -> Array:
    """Return log2 of the rank at which a rising fit passes `target`, interpolated.

    -inf where the fit is at `target` at the smallest rank already, inf where it never is.
    """
    above = reach(fit, target)
    found = np.full(above.shape, np.inf)
    found[above == 0] = -np.inf
    inner = (above > 0) & (above < fit.shape[-1])
    high = above[inner]
    curves = fit[inner]
    rows = np.arange(len(curves))
    below, top = curves[rows, high - 1], curves[rows, high]
    share = (np.broadcast_to(target, above.shape)[inner] - below) / (top - below)
    found[inner] = log2_ranks[high - 1] + share * (log2_ranks[high] - log2_ranks[high - 1])
    return found


def arrival(log2_ranks: Array, gains: Array, whole: Array) -> Array:
    """Return the mean log2 rank at which the gain arrives.

    That is log2 of the last rank, less the area under gain over full's gain. A gain that comes all at once at rank r
    arrives at log2 r, and a doubling of every rank needed raises it by one. It uses the whole curve, so it is steadier
    than r95, which moves by whole steps of the ladder.
    """
    area = np.trapezoid(gains / whole[..., None], log2_ranks, axis=-1)
    arrived: Array = log2_ranks[-1] - area
    return arrived


def unimodal(values: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return the nearest sequence in least squares that rises to one place and falls from it, along the last axis.

    Returns:
        The fit, and its number of level sets, which is its degrees of freedom (Meyer and Woodroofe 2000).
    """
    length = values.shape[-1]
    best, error = values, np.full(values.shape[:-1], np.inf)
    for mode in range(length):
        fit = np.concatenate([monotone(values[..., : mode + 1]), -monotone(-values[..., mode + 1 :])], axis=-1)
        found = np.square(fit - values).sum(axis=-1)
        closer = found < error - 1e-15
        best, error = np.where(closer[..., None], fit, best), np.where(closer, found, error)
    levels: NDArray[np.int64] = 1 + (np.abs(np.diff(best, axis=-1)) > 1e-12).sum(axis=-1)
    return best, levels


def highest(curves: Array) -> NDArray[np.int64]:
    """Return the place of the highest rank of each curve, along the last axis, the smallest of several.

    Neighbours are averaged with weights 1/4, 1/2, 1/4 first (at the ends 3/4, 1/4), so that one lucky rank does not
    decide.
    """
    ends = np.concatenate([curves[..., :1], curves, curves[..., -1:]], axis=-1)
    smooth = ends[..., :-2] / 4 + ends[..., 1:-1] / 2 + ends[..., 2:] / 4
    places: NDArray[np.int64] = np.argmax(np.round(smooth, 9), axis=-1)
    return places
