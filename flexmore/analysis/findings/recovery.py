"""The rank that suffices: r95 from a monotone fit, and the rank of half the gain, with bootstrap intervals.

This is the primary statement of the study. A gain rises with rank and levels off, so the fit is an isotonic regression
of the gain on distinct effective ranks; nothing else is assumed. The share is of the full expert's gain; where the
interval of that gain is not above zero there is nothing to recover, and the table says so.

Intervals are percentiles of the same reading made on every bootstrap sample. Since the fit rises, r95 is at most r
exactly where the fit at r reaches the share, so the interval is the set of ranks at which that test cannot tell.
"""

import math

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.isotonic import crossing, monotone, reach
from flexmore.analysis.statistics.pair_bootstrap import GainSamples
from flexmore.analysis.statistics.resampling import percentile_interval
from flexmore.analysis.statistics.scopes import Array
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "expert", "scope", "name", "ranks", "full_gain", "full_low", "full_high", "recovery", "r95", "r95_low",
    "r95_high", "r95_tasks_low", "r95_tasks_high", "r95_reason", "half_rank", "half_low", "half_high",
    "half_tasks_low", "half_tasks_high", "half_reason",
]  # fmt: skip
NO_FULL = "the full expert was not evaluated"
NO_RANKS = "no rank was evaluated"
ONE_RANK = "a single rank was evaluated: no curve to read a smallest rank from"
NO_INTERVAL = "a task has a single item, so the full expert's gain has no interval"
NO_GAIN = "the full expert's gain is not above zero"
BELOW_ALL = "half is recovered at the smallest rank already"
ABOVE_ALL = "half is not recovered below full"
_ORDER = ["average", "domain", "skill", "answer", "group"]
R95_SCOPES = ("domain", "average", "skill")
"""The scopes that a report lists."""


def curve(gains: pd.DataFrame, expert: str, scope: str, name: str) -> pd.DataFrame:
    """Return an expert's gain on one scope at its distinct effective ranks, extras included.

    Returns:
        The rows of `gains` (see `gains.gains`) by rising `effective_rank` (int), with `fit`: the isotonic
        regression of the gain.
    """
    rows = gains[(gains["experts"] == expert) & (gains["scope"] == scope) & (gains["name"] == name)]
    rows = numbered(rows)
    return rows.assign(fit=monotone(rows["gain"].to_numpy(dtype=np.float64)))


def recover(
    gains: pd.DataFrame, settings: AnalysisSettings | None = None, samples: GainSamples | None = None
) -> pd.DataFrame:
    """Find r95 and the rank of half the gain of every expert, on the average, its domain, skills, answers and groups.

    Args:
        gains: as `gains.gains` returns them.
        settings: section `analysis` of the configuration; None: the defaults.
        samples: as `bootstrap_gains` returns them; None: no intervals.

    Returns:
        Columns `COLUMNS`. `r95` and the ends of its two intervals (over items within tasks; over tasks within
        groups) are ranks, `full` where no smaller one reaches the share, or empty: r95 with its reason, an interval
        over tasks where a group has a single one. `half_rank` is interpolated in log2 rank; its intervals end at the
        smallest rank, or at infinity where half is not reached below full.
    """
    settings = settings or AnalysisSettings()
    wanted = gains[gains["kind"].isin(["pair", "extra"]) & (gains["scope"] != "task")]
    wanted = wanted[(wanted["scope"] != "domain") | (wanted["name"] == wanted["experts"])]
    rows = [
        _recover(part, str(expert), str(scope), str(name), settings, samples)
        for (expert, scope, name), part in wanted.groupby(["experts", "scope", "name"], sort=False)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.sort_values(
        ["expert", "scope"], key=lambda c: c.map(_ORDER.index) if c.name == "scope" else c, kind="stable"
    ).reset_index(drop=True)


def _recover(
    part: pd.DataFrame, expert: str, scope: str, name: str, settings: AnalysisSettings, samples: GainSamples | None
) -> dict[str, object]:
    """Make one row of `recover`."""
    points, whole = curve(part, expert, scope, name), full(part)
    row: dict[str, object] = dict.fromkeys(COLUMNS, "") | {
        "expert": expert, "scope": scope, "name": name, "ranks": len(points), "recovery": settings.recovery,
    }  # fmt: skip
    row |= dict.fromkeys(
        (key for key in COLUMNS if key.startswith(("full", "half_")) and "reason" not in key), math.nan
    )
    if len(whole):
        row |= {f"full_{key}": float(whole[key].iloc[0]) for key in ("gain", "low", "high")}
    if reason := _nothing(whole, points):
        return row | {"r95_reason": reason, "half_reason": reason}
    ranks, gain = points["effective_rank"].to_numpy(), float(whole["gain"].iloc[0])
    fit = points["fit"].to_numpy(dtype=np.float64)
    half = float(crossing(np.log2(ranks), fit, np.asarray(gain / 2)))
    reasons = {-math.inf: BELOW_ALL, math.inf: ABOVE_ALL}
    row |= {
        "r95": _label(ranks, int(reach(fit, np.asarray(settings.recovery * gain)))),
        "half_rank": 2**half if math.isfinite(half) else math.nan,
        "half_reason": reasons.get(half, ""),
    }
    if samples is None:
        return row
    mixtures = [*points["mixture"], whole["mixture"].iloc[0]]
    for key, gained in zip(("", "tasks_"), samples.of(mixtures, scope, name), strict=True):
        row |= _intervals(key, ranks, gained, settings)
    return row


def _nothing(whole: pd.DataFrame, points: pd.DataFrame) -> str:
    """Return why there is no r95; empty if there is one."""
    if whole.empty:
        return NO_FULL
    low = float(whole["low"].iloc[0])
    if math.isnan(low):
        return NO_INTERVAL
    if not low > 0:
        return NO_GAIN
    return {0: NO_RANKS, 1: ONE_RANK}.get(len(points), "")


def _intervals(key: str, ranks: Array, samples: Array, settings: AnalysisSettings) -> dict[str, object]:
    """Return the ends of both intervals from samples x (ranks, full)."""
    if np.isnan(samples).any():
        return {}
    fits, whole = monotone(samples[:, :-1]), samples[:, -1]
    # a sample in which full gains nothing has nothing to recover: it counts as not reached by any rank
    places = np.where(whole > 0, reach(fits, settings.recovery * whole), len(ranks))
    low, high = percentile_interval(places, settings.confidence)
    halves = np.where(whole > 0, crossing(np.log2(ranks), fits, whole / 2), np.inf)
    half_ends = percentile_interval(halves, settings.confidence)
    half_low, half_high = (max(float(end), math.log2(ranks[0])) for end in half_ends)
    return {
        f"r95_{key}low": _label(ranks, int(low)), f"r95_{key}high": _label(ranks, int(high)),
        f"half_{key}low": 2**half_low, f"half_{key}high": 2**half_high,
    }  # fmt: skip


def _label(ranks: Array, place: int) -> str:
    """Return the rank at a place on the curve, `full` after its end."""
    return str(int(ranks[place])) if place < len(ranks) else "full"
