"""The shape of the curve over ranks: a quadratic against a saturating and an isotonic fit, on held-out items.

The quadratic is the paper's reading; how far it misses held-out items beside the others says how far to trust its
vertex. Whether there is an optimum is judged without any of these shapes (`optima.py`).
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from flexmore.analysis.findings.regression import CONTRAST, POOLED
from flexmore.analysis.ranks import numbered
from flexmore.analysis.statistics.isotonic import monotone
from flexmore.analysis.statistics.item_scores import SALTS, ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Array, scopes_of
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "response", "n_experts", "ranks", "quadratic_error", "saturating_error", "isotonic_error", "best_fit",
    "vertex_rank", "vertex_low", "vertex_high", "note",
]  # fmt: skip
NO_ITEMS = "per-item results are needed to judge out of sample"
FEW = "fewer than 3 ranks that all experts have"
# the grid of the logistic curve: its midpoint, from one doubling below the ranks to one above, and its steepness
_STEEPNESS = np.array([0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0])
_MIDPOINTS = 33


def quadratic(x: Array, y: Array) -> Array:
    """Return the fitted values of a parabola (least squares)."""
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    fitted: Array = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return fitted


def saturating(x: Array, y: Array) -> Array:
    """Return the fitted values of level + height * logistic(steepness * (x - midpoint)), height >= 0.

    Least squares in level and height, over a grid of steepness and midpoint.
    """
    middles = np.linspace(x[0] - 1, x[-1] + 1, _MIDPOINTS)
    curves = 1 / (1 + np.exp(-_STEEPNESS[:, None, None] * (x - middles[:, None]))).reshape(-1, len(x))
    centred = curves - curves.mean(axis=1, keepdims=True)
    heights = np.maximum(centred @ (y - y.mean()) / np.square(centred).sum(axis=1), 0)
    fits = y.mean() + heights[:, None] * centred
    best: Array = fits[np.argmin(np.square(fits - y).sum(axis=1))]
    return best


def isotonic(_: Array, y: Array) -> Array:
    """Return the fitted values of the nearest curve that never falls."""
    return monotone(y)


SHAPES: dict[str, Callable[[Array, Array], Array]] = {
    "quadratic": quadratic,
    "saturating": saturating,
    "isotonic": isotonic,
}


def compare_shapes(
    scores: pd.DataFrame, item_scores: ItemScores | None, fits: pd.DataFrame, settings: AnalysisSettings
) -> pd.DataFrame:
    """Compare how three shapes predict held-out items, for every response of the paper's reading.

    Args:
        scores: the tidy table.
        item_scores: of the pairs, on the table's tasks in its order; None where no items are known.
        fits: as `regression.regress` returns them.
        settings: section `analysis` of the configuration.

    Returns:
        Columns `COLUMNS`: root mean squared errors on held-out items of the mean curve over experts (each expert has an
        effect of its own, so that the shapes differ in the mean curve alone); the quadratic's vertex, and the note on
        it.
    """
    pairs = numbered(scores[scores["kind"] == "pair"].drop_duplicates("mixture"), kinds=("pair",))
    grid = pairs.pivot(index="experts", columns="effective_rank", values="mixture").dropna(axis=1)
    scopes = scopes_of(scores, settings.skills)
    names = dict(zip(zip(scopes.index["scope"], scopes.index["name"], strict=True), scopes.weights, strict=True))
    rows = []
    for fit in fits[fits["response"] != CONTRAST].to_dict("records"):
        row = dict.fromkeys(COLUMNS, math.nan) | {key: fit[key] for key in COLUMNS if key in fit}
        row |= {"best_fit": "", "ranks": grid.shape[1]}
        kind = {POOLED: "average", "reasoning": "skill", "knowledge": "skill"}.get(str(fit["response"]), "group")
        weights = names[kind, "average" if kind == "average" else str(fit["response"])]
        if item_scores is None or grid.shape[1] < 3:
            rows.append(row | {"note": NO_ITEMS if item_scores is None else FEW})
            continue
        x = np.log2(grid.columns.to_numpy(dtype=np.float64))
        row["note"] = fit["note"]
        rows.append(row | _errors(_mean_curve(item_scores, grid), x, weights))
    return pd.DataFrame(rows, columns=COLUMNS)


def _mean_curve(item_scores: ItemScores, grid: pd.DataFrame) -> ItemScores:
    """Return a row per rank: each item's mean value over the experts."""
    weights = np.zeros((grid.shape[1], len(item_scores.names)))
    place = {name: i for i, name in enumerate(item_scores.names)}
    for rank, column in enumerate(grid.columns):
        weights[rank, [place[mixture] for mixture in grid[column]]] = 1 / len(grid)
    return item_scores.contrast(weights, [str(rank) for rank in grid.columns])


def _errors(curve: ItemScores, x: Array, weights: Array) -> dict[str, object]:
    """Compare the three fits of one curve on held-out items.

    Args:
        curve: a row per rank, the items of all tasks.
        x: log2 of the ranks.
        weights: of the tasks in the response.
    """
    errors: dict[str, list[float]] = {name: [] for name in SHAPES}
    for salt in SALTS:
        masks = curve.deal(salt)
        halves = [np.round(curve.part(masks, half).means() @ weights, DIGITS) for half in (0, 1)]
        for train, test in (halves, halves[::-1]):
            for name, shape in SHAPES.items():
                errors[name].append(float(np.mean(np.square(shape(x, train) - test))))
    means = {name: math.sqrt(float(np.mean(values))) for name, values in errors.items()}
    return {
        **{f"{name}_error": error for name, error in means.items()},
        "best_fit": min(means, key=lambda name: means[name]),
    }
