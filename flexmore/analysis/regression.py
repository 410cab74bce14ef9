"""The paper's reading: a quadratic in log2 rank. Shown as such beside r95, which is the primary statement.

Ordinary least squares (statsmodels) of the score on log2 rank and its square with an effect for each expert.
On a gain that rises and levels off, a quadratic finds an interior optimum in every draw, so its vertex is a
description of the curve, not the rank to use. Saturated ranks are one adapter and enter once; full and the
extra ranks stay out.
"""

import math

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS

from flexmore.analysis.ranks import numbered
from flexmore.analysis.scopes import averages
from flexmore.analysis.settings import AnalysisSettings

READING = "the paper's reading"
CONTRAST = "reasoning - knowledge"
DIFFERENCE = "a difference of two curves: its turning point is no rank to use"
COEFFICIENTS = [
    "reading", "response", "term", "coefficient", "stderr", "t", "p", "low", "high",
]  # fmt: skip
FITS = [
    "reading", "response", "experts", "ranks", "n", "r_squared", "vertex_log2", "vertex_stderr", "vertex_rank",
    "note",
]  # fmt: skip


def responses(scores: pd.DataFrame, settings: AnalysisSettings) -> pd.DataFrame:
    """What is regressed: a row per expert and distinct ladder rank; columns expert, log2_rank, and a column
    for each group mean, `reasoning`, `knowledge` (means over the group means of their groups that were
    evaluated) and `reasoning - knowledge`."""
    table = numbered(averages(scores), kinds=("pair",))
    present = [group for group in scores["group"].unique() if group in table.columns]
    frame = table[present].assign(
        expert=table["experts"], log2_rank=np.log2(table["effective_rank"].to_numpy(dtype=np.float64))
    )
    for name, groups in (("reasoning", settings.reasoning), ("knowledge", settings.knowledge)):
        if members := [group for group in groups if group in present]:
            frame[name] = table[members].mean(axis=1)
    if {"reasoning", "knowledge"} <= set(frame.columns):
        frame[CONTRAST] = frame["reasoning"] - frame["knowledge"]
    return frame


def regress(scores: pd.DataFrame, settings: AnalysisSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit every response of `responses`.

    Returns:
        coefficients (columns `COEFFICIENTS`; expert effects are each expert's own intercept) and fits
        (`FITS`): the vertex -b/2c in log2 rank, its delta-method standard error, and a note where it is no
        maximum within the ranks measured or where there are too few ranks to fit.
    """
    frame = responses(scores, settings)
    coefficients: list[list[object]] = []
    fits: list[list[object]] = []
    for response in frame.columns.drop(["expert", "log2_rank"]):
        experts = list(frame["expert"].unique())
        ranks = frame["log2_rank"].nunique()
        size = [READING, response, len(experts), ranks, len(frame)]
        if note := _unfit(frame[response], ranks, len(experts)):
            fits.append([*size, math.nan, math.nan, math.nan, math.nan, note])
            continue
        design = design_of(frame, experts)
        # a fit without residuals divides by its zero standard errors
        with np.errstate(divide="ignore", invalid="ignore"):
            fit = OLS(frame[response].to_numpy(dtype=np.float64), design.to_numpy()).fit()
            columns = (fit.params, fit.bse, fit.tvalues, fit.pvalues, *fit.conf_int(1 - settings.confidence).T)
            quality = float(fit.rsquared)
        for term, *numbers in zip(design.columns, *columns, strict=True):
            coefficients.append([READING, response, term, *map(float, numbers)])
        linear, square = float(fit.params[-2]), float(fit.params[-1])
        vertex, error = vertex_of(linear, square, np.asarray(fit.cov_params())[-2:, -2:])
        note = DIFFERENCE if response == CONTRAST else _judge(vertex, square, frame["log2_rank"])
        fits.append([*size, quality, vertex, error, math.nan if note else 2**vertex, note])
    return pd.DataFrame(coefficients, columns=COEFFICIENTS), pd.DataFrame(fits, columns=FITS)


def _unfit(values: pd.Series, ranks: int, experts: int) -> str:
    """Why there is no fit, if there is none."""
    if ranks < 3 or len(values) <= experts + 2:
        return "too few distinct ranks for a quadratic: at least 3, and more observations than coefficients"
    return "the response does not vary" if values.max() - values.min() < 1e-12 else ""


def design_of(frame: pd.DataFrame, experts: list[str]) -> pd.DataFrame:
    """An intercept per expert, log2 rank, its square: `expert[<name>]`, `log2_rank`, `log2_rank^2`."""
    design = pd.DataFrame({f"expert[{name}]": (frame["expert"] == name).astype(float) for name in experts})
    return design.assign(**{"log2_rank": frame["log2_rank"], "log2_rank^2": frame["log2_rank"] ** 2})


def vertex_of(linear: float, square: float, covariance: np.ndarray) -> tuple[float, float]:
    """Where the parabola turns, in log2 rank, and the delta-method standard error; NaN for a line."""
    if square == 0:
        return math.nan, math.nan
    gradient = np.array([-1 / (2 * square), linear / (2 * square**2)])
    return -linear / (2 * square), float(np.sqrt(gradient @ covariance @ gradient))


def _judge(vertex: float, square: float, log2_rank: pd.Series) -> str:
    if math.isnan(vertex) or square > 0:
        return "the parabola has no maximum"
    if not log2_rank.min() <= vertex <= log2_rank.max():
        return "its maximum lies outside the ranks measured"
    return ""
