"""The paper's reading: a quadratic in log2 rank, shown as such beside r95, which is the primary statement.

It is an ordinary least squares fit (statsmodels) of the score on log2 rank and its square with an effect for each
expert, for each group and pooled over groups. Observations of one expert share its training and its tasks, so standard
errors are clustered by expert with t(G - 1), and p values come from a wild cluster bootstrap as well. On a gain that
rises and levels off a quadratic always turns somewhere: its vertex describes the curve and is no optimum until
`shapes.py` has judged it. Saturated ranks are one adapter and enter once; full and the extra ranks stay out.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student
from statsmodels.regression.linear_model import OLS

from flexmore.analysis.ranks import numbered
from flexmore.analysis.statistics.scopes import Array, averages
from flexmore.analysis.statistics.wild_bootstrap import wild_p
from flexmore.config.analysis import AnalysisSettings

READING = "the paper's reading"
POOLED = "pooled"
CONTRAST = "reasoning - knowledge"
DIFFERENCE = "a difference of two curves: its turning point is no rank to use"
NO_MAXIMUM = "the parabola has no maximum"
OUTSIDE = "its maximum lies outside the ranks measured"
TOO_FEW = "too few distinct ranks for a quadratic: at least 3, and more observations than coefficients"
CONSTANT = "the response does not vary"
COEFFICIENTS = [
    "reading", "response", "term", "coefficient", "stderr", "t", "p", "low", "high", "p_wild",
]  # fmt: skip
FITS = [
    "reading", "response", "n_experts", "ranks", "n", "r_squared", "vertex_log2", "vertex_low", "vertex_high",
    "vertex_rank", "note",
]  # fmt: skip


def responses(scores: pd.DataFrame, settings: AnalysisSettings) -> pd.DataFrame:
    """Return what is regressed: a row per expert and distinct rank of the ladder.

    Columns: expert, log2_rank, the mean of each group, `reasoning` and `knowledge` (means over the means of those of
    their groups that were evaluated), and `reasoning - knowledge`.
    """
    table = numbered(averages(scores), kinds=("pair",))
    present = [group for group in scores["group"].unique() if group in table.columns]
    frame = table[present].assign(
        expert=table["experts"], log2_rank=np.log2(table["effective_rank"].to_numpy(dtype=np.float64))
    )
    for name, groups in settings.skills.items():
        if members := [group for group in groups if group in present]:
            frame[name] = table[members].mean(axis=1)
    if {"reasoning", "knowledge"} <= set(frame.columns):
        frame[CONTRAST] = frame["reasoning"] - frame["knowledge"]
    return frame


def regress(scores: pd.DataFrame, settings: AnalysisSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit every response of `responses`, and all groups stacked, with an effect for each (`pooled`).

    Returns:
        coefficients (columns `COEFFICIENTS`; expert effects are each expert's own intercept) and fits
        (`FITS`): the vertex -b/2c in log2 rank with its Fieller interval (infinite ends where the data would have a
        line, or a parabola that opens upwards, as well), and a note where it is no maximum within the ranks measured
        or where nothing can be fitted. Standard errors are missing with fewer than two experts.
    """
    frame = responses(scores, settings)
    coefficients: list[list[object]] = []
    fits: list[list[object]] = []
    names = list(frame.columns.drop(["expert", "log2_rank"]))
    groups = [str(group) for group in scores["group"].unique() if group in names]
    for response in [*([POOLED] if len(groups) > 1 else []), *names]:
        rows = stacked(frame, groups if response == POOLED else [response])
        size = [READING, response, rows["expert"].nunique(), rows["log2_rank"].nunique(), len(rows)]
        if note := _unfit(rows):
            fits.append([*size, *[math.nan] * 5, note])
            continue
        found, fit = _fit(rows, settings.confidence, settings.seed)
        coefficients += [[READING, response, *row] for row in found]
        if response == CONTRAST:
            fit[-2:] = [math.nan, DIFFERENCE]
        fits.append([*size, *fit])
    return pd.DataFrame(coefficients, columns=COEFFICIENTS), pd.DataFrame(fits, columns=FITS)


def stacked(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Stack the columns `names` into one: columns expert, log2_rank, group, value."""
    long = frame.melt(id_vars=["expert", "log2_rank"], value_vars=list(names), var_name="group")
    return long.astype({"value": "float64"}).sort_values(["expert", "group", "log2_rank"], ignore_index=True)


def design_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the design matrix: an intercept per expert, one for each group but the first, log2 rank, its square.

    Columns: `expert[<name>]`, `group[<name>]`, `log2_rank`, `log2_rank^2`.
    """
    columns = {f"expert[{name}]": rows["expert"] == name for name in rows["expert"].unique()}
    columns |= {f"group[{name}]": rows["group"] == name for name in list(rows["group"].unique())[1:]}
    design = pd.DataFrame({name: column.astype(float) for name, column in columns.items()})
    return design.assign(**{"log2_rank": rows["log2_rank"], "log2_rank^2": rows["log2_rank"] ** 2})


def _unfit(rows: pd.DataFrame) -> str:
    """Return why there is no fit; empty if there is one."""
    if rows["log2_rank"].nunique() < 3 or len(rows) <= rows["expert"].nunique() + rows["group"].nunique() + 1:
        return TOO_FEW
    return CONSTANT if rows["value"].max() - rows["value"].min() < 1e-12 else ""


def _fit(rows: pd.DataFrame, confidence: float, seed: int) -> tuple[list[list[object]], list[object]]:
    """Return rows of `COEFFICIENTS` from `term` on, and a row of `FITS` from `r_squared` on."""
    design = design_of(rows)
    codes, names = pd.factorize(rows["expert"])
    clusters = np.asarray(codes, dtype=np.int64)
    values = rows["value"].to_numpy()
    model = OLS(values, design.to_numpy())
    # a fit without residuals divides by its zero standard errors
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = model.fit()
        fit = plain
        if len(names) > 1:
            fit = model.fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
        columns = np.stack([fit.params, fit.bse, fit.tvalues, fit.pvalues, *fit.conf_int(1 - confidence).T])
        quality = float(plain.rsquared)
    if len(names) < 2:
        columns[1:] = np.nan
    slopes = {
        column: wild_p(values, design.to_numpy(), column, clusters, seed)
        for column in range(design.shape[1] - 2, design.shape[1])
    }
    found: list[list[object]] = [
        [term, *map(float, columns[:, i]), slopes.get(i, math.nan)] for i, term in enumerate(design.columns)
    ]
    linear, square = float(fit.params[-2]), float(fit.params[-1])
    covariance = np.asarray(fit.cov_params())[-2:, -2:]
    low, high = fieller(linear, square, covariance, len(names) - 1, confidence)
    vertex = -linear / (2 * square) if square else math.nan
    note = _judge(vertex, square, rows["log2_rank"])
    return found, [quality, vertex, low, high, math.nan if note else 2**vertex, note]


def fieller(linear: float, square: float, covariance: Array, freedom: int, confidence: float) -> tuple[float, float]:
    """Return Fieller's interval of the vertex -b/2c: all v at which Student's t does not reject b + 2 c v = 0.

    Unlike the delta method's it is exact for normal coefficients, and it has infinite ends where c could be zero.

    Args:
        covariance: of (b, c).
        freedom: degrees of freedom of the covariance; below 1 nothing is known.
    """
    if freedom < 1 or not np.isfinite(covariance).all():
        return math.nan, math.nan
    limit = float(student.ppf((1 + confidence) / 2, freedom)) ** 2
    a = 4 * (square**2 - limit * covariance[1, 1])
    b = 4 * (linear * square - limit * covariance[0, 1])
    c = linear**2 - limit * covariance[0, 0]
    inner = b**2 - 4 * a * c
    if a <= 0 or inner < 0:
        return -math.inf, math.inf
    return float((-b - math.sqrt(inner)) / (2 * a)), float((-b + math.sqrt(inner)) / (2 * a))


def _judge(vertex: float, square: float, log2_rank: pd.Series) -> str:
    """Return why the vertex is no maximum within the ranks; empty if it is one."""
    if math.isnan(vertex) or square > 0:
        return NO_MAXIMUM
    return "" if log2_rank.min() <= vertex <= log2_rank.max() else OUTSIDE
