"""The shape of the curve over ranks: a quadratic against a saturating and an isotonic fit, on held-out items.

On gains that rise and level off a quadratic always turns somewhere, so a vertex is called an optimum only where

1. the parabola has a maximum, and its Fieller interval lies within the ranks measured;
2. fitted to one half of the items it predicts the other half better than the saturating and the isotonic fit do;
3. scores really fall from it: the rank chosen on one half scores more than the last rank on the other half, and the
   paired interval of that fall is above zero.

The third condition alone keeps false optima rare whatever the shape of the curve: on a curve that never falls the true
difference is not positive, and the rank was not chosen on the items that judge it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from flexmore.analysis.findings.regression import CONTRAST, POOLED
from flexmore.analysis.ranks import numbered
from flexmore.analysis.statistics.isotonic import monotone
from flexmore.analysis.statistics.item_scores import SALTS, ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Array, Scopes, interval, scopes_of, spread
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "response", "n_experts", "ranks", "quadratic_error", "saturating_error", "isotonic_error", "best_fit",
    "vertex_rank", "vertex_low", "vertex_high", "fall", "fall_low", "fall_high", "optimum", "reason",
]  # fmt: skip
NO_ITEMS = "per-item results are needed to judge out of sample"
FEW = "fewer than 3 ranks that all experts have"
UNBOUNDED = "the vertex's Fieller interval does not lie within the ranks measured"
NOT_BEST = "another fit predicts held-out items at least as well"
NO_FALL = "no fall from the vertex to the last rank on held-out items"
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


def judge_optima(
    scores: pd.DataFrame, item_scores: ItemScores | None, fits: pd.DataFrame, settings: AnalysisSettings
) -> pd.DataFrame:
    """Judge the vertex of every fit of the paper's reading.

    Args:
        scores: the tidy table.
        item_scores: of the pairs, on the table's tasks in its order; None where no items are known.
        fits: as `regression.regress` returns them.
        settings: section `analysis` of the configuration.

    Returns:
        Columns `COLUMNS`: root mean squared errors on held-out items of the mean curve over experts (each expert has an
        effect of its own, so that the shapes differ in the mean curve alone), the vertex, the held-out fall from it
        with its paired interval, and `optimum`: yes or no, with the first reason against.
    """
    pairs = numbered(scores[scores["kind"] == "pair"].drop_duplicates("mixture"), kinds=("pair",))
    grid = pairs.pivot(index="experts", columns="effective_rank", values="mixture").dropna(axis=1)
    scopes = scopes_of(scores, settings.skills)
    names = dict(zip(zip(scopes.index["scope"], scopes.index["name"], strict=True), scopes.weights, strict=True))
    rows = []
    for fit in fits[fits["response"] != CONTRAST].to_dict("records"):
        row = dict.fromkeys(COLUMNS, math.nan) | {key: fit[key] for key in COLUMNS if key in fit}
        row |= {"best_fit": "", "optimum": "no", "ranks": grid.shape[1]}
        kind = {POOLED: "average", "reasoning": "skill", "knowledge": "skill"}.get(str(fit["response"]), "group")
        weights = names[kind, "average" if kind == "average" else str(fit["response"])]
        if item_scores is None or grid.shape[1] < 3:
            rows.append(row | {"reason": NO_ITEMS if item_scores is None else FEW})
            continue
        judged = _judge(
            _mean_curve(item_scores, grid), np.log2(grid.columns.to_numpy(dtype=np.float64)), weights, settings
        )
        rows.append(row | judged | {"reason": _reason(fit, judged, grid)})
        rows[-1]["optimum"] = "no" if rows[-1]["reason"] else "yes"
    return pd.DataFrame(rows, columns=COLUMNS)


def _mean_curve(item_scores: ItemScores, grid: pd.DataFrame) -> ItemScores:
    """Return a row per rank: each item's mean value over the experts."""
    weights = np.zeros((grid.shape[1], len(item_scores.names)))
    place = {name: i for i, name in enumerate(item_scores.names)}
    for rank, column in enumerate(grid.columns):
        weights[rank, [place[mixture] for mixture in grid[column]]] = 1 / len(grid)
    return item_scores.contrast(weights, [str(rank) for rank in grid.columns])


def _judge(curve: ItemScores, x: Array, weights: Array, settings: AnalysisSettings) -> dict[str, object]:
    """Compare the three fits of one curve on held-out items, and measure the fall from the vertex.

    Args:
        curve: a row per rank, the items of all tasks.
        x: log2 of the ranks.
        weights: of the tasks in the response.
        settings: the level of the interval.
    """
    errors: dict[str, list[float]] = {name: [] for name in SHAPES}
    # how often a rank was chosen where an item was held out: per task, ranks x items
    chosen = [np.zeros_like(value) for value in curve.values]
    for salt in SALTS:
        masks = curve.deal(salt)
        for held in (0, 1):
            train, test = (np.round(curve.part(masks, half).means() @ weights, DIGITS) for half in (1 - held, held))
            fitted = {name: shape(x, train) for name, shape in SHAPES.items()}
            for name, values in fitted.items():
                errors[name].append(float(np.mean(np.square(values - test))))
            best = int(np.argmax(fitted["quadratic"]))
            for count, mask in zip(chosen, masks, strict=True):
                count[best, mask == held] += 1 / len(SALTS)
    means = {name: math.sqrt(float(np.mean(values))) for name, values in errors.items()}
    fall = ItemScores(
        ("fall",), curve.tasks,
        tuple((c * v).sum(axis=0, keepdims=True) - v[-1:] for c, v in zip(chosen, curve.values, strict=True)),
    )  # fmt: skip
    scope = Scopes(pd.DataFrame({"scope": ["fall"]}), weights[None], list(curve.tasks))
    error, freedom = spread(scope, *fall.errors())
    value = np.round(fall.means() @ weights[:, None], DIGITS)
    low, high = interval(value, error, freedom, settings.confidence)
    return {
        **{f"{name}_error": error for name, error in means.items()},
        "best_fit": min(means, key=lambda name: means[name]),
        "fall": float(value[0, 0]), "fall_low": float(low[0, 0]), "fall_high": float(high[0, 0]),
    }  # fmt: skip


def _reason(fit: Mapping[Any, Any], judged: Mapping[str, Any], grid: pd.DataFrame) -> str:
    """Return the first reason against calling the vertex an optimum; empty if there is none."""
    if fit["note"]:
        return str(fit["note"])
    first, last = math.log2(float(grid.columns[0])), math.log2(float(grid.columns[-1]))
    if not (first <= fit["vertex_low"] and fit["vertex_high"] <= last):
        return UNBOUNDED
    if judged["best_fit"] != "quadratic":
        return NOT_BEST
    return "" if judged["fall_low"] > 0 else NO_FALL
