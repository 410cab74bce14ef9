"""Which rank suffices: r95 from a monotone fit, and the rank of half the gain.

Primary statement of the study. A gain rises with rank and levels off, so the fit is isotonic regression of
the gain on distinct effective ranks, nothing else being assumed. The share is of the full expert's measured
gain; where that is not above zero with its whole interval there is nothing to recover, and the table says so.
"""

import math

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.scopes import Array

COLUMNS = [
    "expert", "scope", "name", "ranks", "full_gain", "full_low", "full_high", "recovery", "r95", "r95_reason",
    "half_rank", "half_reason",
]  # fmt: skip
NO_FULL = "the full expert was not evaluated"
NO_RANKS = "no rank was evaluated"
NO_INTERVAL = "a task has a single item, so the full expert's gain has no interval"
NO_GAIN = "the full expert's gain is not above zero"
BELOW_ALL = "half is recovered at the smallest rank already"
ABOVE_ALL = "half is not recovered below full"


def curve(gains: pd.DataFrame, expert: str, scope: str, name: str) -> pd.DataFrame:
    """An expert's gain on one scope at its distinct effective ranks, extras included.

    Returns:
        The rows of `gains` (see `gains.gains`) by rising `effective_rank` (int), with `fit`: the isotonic
        regression of the gain.
    """
    rows = gains[(gains["experts"] == expert) & (gains["scope"] == scope) & (gains["name"] == name)]
    rows = numbered(rows)
    return rows.assign(fit=monotone(rows["gain"].to_numpy(dtype=np.float64)))


def monotone(values: Array) -> Array:
    """The nearest non-decreasing sequence in least squares (scipy.optimize.isotonic_regression)."""
    if len(values) == 0:
        return values
    fitted: Array = isotonic_regression(values, increasing=True).x
    return fitted


def reach(ranks: Array, fit: Array, target: float) -> int | None:
    """The smallest of `ranks` (rising) whose fitted gain is at least `target`, or None.

    A part in 1e12 is forgiven, so that equal gains summed in another order stay equal.
    """
    enough = fit >= target - 1e-12
    return int(ranks[int(np.argmax(enough))]) if enough.any() else None


def half_rank(ranks: Array, fit: Array, target: float) -> tuple[float, str]:
    """The rank at which the fit passes `target`, interpolated in log2 rank; NaN and why where it does not."""
    enough = np.flatnonzero(fit >= target)
    if len(enough) == 0:
        return math.nan, ABOVE_ALL
    above = int(enough[0])
    if above == 0:
        return math.nan, BELOW_ALL
    share = (target - fit[above - 1]) / (fit[above] - fit[above - 1])
    low, high = np.log2(ranks[above - 1]), np.log2(ranks[above])
    return float(2 ** (low + share * (high - low))), ""


def recover(gains: pd.DataFrame, recovery: float = 0.95) -> pd.DataFrame:
    """r95 and the rank of half the gain for every expert, on the average, each group and its own domain.

    Args:
        gains: of `gains.gains`.
        recovery: the share of full's gain that r95 asks for.

    Returns:
        Columns `COLUMNS`. `r95` is a rank, `full` where no smaller one reaches the share, or empty with its
        reason.
    """
    wanted = gains[gains["kind"].isin(["pair", "extra"]) & (gains["scope"] != "task")]
    wanted = wanted[(wanted["scope"] != "domain") | (wanted["name"] == wanted["experts"])]
    keys = wanted[["experts", "scope", "name"]].drop_duplicates()
    rows = [_recover(wanted, expert, scope, name, recovery) for expert, scope, name in keys.itertuples(index=False)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    order = ["average", "domain", "group"]
    return frame.sort_values(
        ["expert", "scope"], key=lambda c: c.map(order.index) if c.name == "scope" else c, kind="stable"
    ).reset_index(drop=True)


def _recover(gains: pd.DataFrame, expert: str, scope: str, name: str, recovery: float) -> dict[str, object]:
    points = curve(gains, expert, scope, name)
    ranks = points["effective_rank"].to_numpy(dtype=np.float64)
    fit = points["fit"].to_numpy(dtype=np.float64)
    whole = full(gains[(gains["experts"] == expert) & (gains["scope"] == scope) & (gains["name"] == name)])
    row: dict[str, object] = dict.fromkeys(COLUMNS, "") | {
        "expert": expert, "scope": scope, "name": name, "ranks": len(points), "recovery": recovery,
        "full_gain": math.nan, "full_low": math.nan, "full_high": math.nan, "half_rank": math.nan,
    }  # fmt: skip
    if whole.empty:
        return row | {"r95_reason": NO_FULL, "half_reason": NO_FULL}
    gain, low, high = (float(whole[column].iloc[0]) for column in ("gain", "low", "high"))
    row |= {"full_gain": gain, "full_low": low, "full_high": high}
    if math.isnan(low):
        return row | {"r95_reason": NO_INTERVAL, "half_reason": NO_INTERVAL}
    if not low > 0:
        return row | {"r95_reason": NO_GAIN, "half_reason": NO_GAIN}
    if points.empty:
        return row | {"r95_reason": NO_RANKS, "half_reason": NO_RANKS}
    reached = reach(ranks, fit, recovery * gain)
    half, reason = half_rank(ranks, fit, gain / 2)
    return row | {
        "r95": "full" if reached is None else str(reached), "half_rank": half, "half_reason": reason,
    }  # fmt: skip
