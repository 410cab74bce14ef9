"""Optima: ranks from which scores really fall to both sides, and which are better than no adapter at all.

A rank is called an optimum only where three differences are above zero on items that did not choose it: from the
smallest rank up to it, from it down to the largest, and from public. Each of the three alone keeps false calls rare,
whatever the curve: where it never falls, only falls, or never leaves public, one of them is truly not above zero.

Calls are corrected together (`corrected`): those over all experts on reasoning and on knowledge get two fifths of the
level each, the others share the last fifth and whatever the first two, once called, hand on (Bretz and others 2009;
Holm within).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.findings.best_ranks.subjects import Subject, subjects
from flexmore.analysis.statistics.blocks import BLOCKS
from flexmore.analysis.statistics.cross_fit import Estimate
from flexmore.analysis.statistics.held_out_pairs import HeldOutPairs
from flexmore.analysis.statistics.holm import holm
from flexmore.analysis.statistics.isotonic import highest
from flexmore.analysis.statistics.resampling import percentile_interval
from flexmore.analysis.statistics.scopes import Array
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "expert", "scope", "name", "rank", "rank_low", "rank_high", "rise", "rise_low", "fall", "fall_low", "gain",
    "gain_low", "p", "p_corrected", "optimum", "reason",
]  # fmt: skip
PRIMARY = ("reasoning", "knowledge")
_PRIMARY_SHARE, _OTHERS_SHARE = 0.4, 0.2
SMALLEST, LARGEST = "the smallest rank is highest", "the largest rank is highest"
NO_RISE, NO_FALL, NO_GAIN = "no rise to it on held-out items", "no fall from it on held-out items", "not above public"
CORRECTED = "not once corrected for the number of calls"
_SAMPLES = 400


def find_optima(held: HeldOutPairs | None, settings: AnalysisSettings) -> pd.DataFrame:
    """Judge the best rank of all experts on every scope, and of each expert on the average and the skills.

    Returns:
        Columns `COLUMNS`: the best rank on all items with the interval of its place (items and, over all, experts
        drawn with replacement); the held-out rise, fall and gain over public with the lower ends of their intervals;
        p, the largest of the three one-sided ones; the same corrected; whether it is an optimum at the level that the
        settings' confidence leaves, and the first reason against.
    """
    if held is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = []
    for subject in subjects(held):
        for scope, (kind, name) in enumerate(zip(held.scopes.index["scope"], held.scopes.index["name"], strict=True)):
            if kind in ("average", "skill") or (kind == "group" and not subject.alone):
                about = {"expert": subject.name, "scope": kind, "name": name}
                rows.append(about | _judge(subject, scope, settings))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_corrected"] = corrected(table)
    called = (table["p_corrected"] < 1 - settings.confidence) & (table["reason"] == "")
    late = (table["reason"] == "") & ~called
    return table.assign(optimum=np.where(called, "yes", "no"), reason=table["reason"].where(~late, CORRECTED))


def corrected(table: pd.DataFrame) -> Array:
    """Return p corrected for all rows: the level at which each would just be called.

    Args:
        table: columns expert, scope, name, p.
    """
    p = table["p"].to_numpy(dtype=np.float64)
    found = np.minimum(1.0, p)
    primary = ((table["expert"] == ALL) & (table["scope"] == "skill") & table["name"].isin(PRIMARY)).to_numpy()
    found[primary] = np.minimum(1.0, p[primary] / _PRIMARY_SHARE)
    others = np.flatnonzero(~primary)
    if len(others):
        each_p = holm(p[others])
        # what the called primary ones hand on counts only at levels at which they are called
        steps = np.sort(found[primary])
        each = [each_p / _OTHERS_SHARE]
        for count in range(1, len(steps) + 1):
            each.append(np.maximum(steps[count - 1], each_p / (_OTHERS_SHARE + count * _PRIMARY_SHARE)))
        found[others] = np.minimum(1.0, np.min(each, axis=0))
    result: Array = found
    return result


@dataclass(frozen=True)
class _Judged:
    """Hold the three differences of one best rank."""

    rise: tuple[Estimate, float]
    fall: tuple[Estimate, float]
    gain: tuple[Estimate, float]


def _judge(subject: Subject, scope: int, settings: AnalysisSettings) -> dict[str, object]:
    """Make the columns from `rank` on of one subject on one scope, without the correction."""
    places = subject.places(scope)
    best = subject.at(places)
    judged = _Judged(
        subject.difference(scope, best, subject.rank(0)),
        subject.difference(scope, best, subject.rank(-1)),
        subject.difference(scope, best, subject.public),
    )
    labels = subject.held.labels
    place = int(highest(subject.curve(scope)))
    low, high = place_interval(subject, scope, settings)
    level = (1 - settings.confidence) / 2
    reasons = {
        SMALLEST: place == 0, LARGEST: place == len(labels) - 1, NO_RISE: not judged.rise[1] < level,
        NO_FALL: not judged.fall[1] < level, NO_GAIN: not judged.gain[1] < level,
    }  # fmt: skip
    row: dict[str, object] = {"rank": labels[place], "rank_low": labels[low], "rank_high": labels[high]}
    for name in ("rise", "fall", "gain"):
        found: Estimate = getattr(judged, name)[0]
        row |= {name: found.value, f"{name}_low": found.interval(settings.confidence)[0]}
    p = max(judged.rise[1], judged.fall[1], judged.gain[1])
    reason = next((text for text, holds in reasons.items() if holds), "")
    return row | {"p": p, "p_corrected": math.nan, "optimum": "no", "reason": reason}


def place_interval(subject: Subject, scope: int, settings: AnalysisSettings) -> tuple[int, int]:
    """Return the interval of the best rank's place: percentiles over bootstrap samples of blocks (and of experts)."""
    generator = np.random.default_rng([settings.seed, scope])
    experts = np.array(subject.experts)
    pairs = subject.held.pairs[experts]
    curves, residuals = subject.held.curves(scope)[experts], subject.held.items.residuals[scope][pairs]
    counts = generator.multinomial(BLOCKS, np.full(BLOCKS, 1 / BLOCKS), _SAMPLES) - 1.0
    moved = np.moveaxis(residuals @ counts.T, 2, 0)
    drawn = generator.multinomial(len(experts), np.full(len(experts), 1 / len(experts)), _SAMPLES) / len(experts)
    sampled = (drawn[:, :, None] * (curves + moved)).sum(axis=1)
    low, high = percentile_interval(highest(sampled).astype(np.float64), settings.confidence)
    return int(low), int(high)


def called(table: pd.DataFrame, names: Sequence[str] = PRIMARY) -> pd.DataFrame:
    """Select the optima called over all experts on some skills."""
    return table[(table["expert"] == ALL) & table["name"].isin(names) & (table["optimum"] == "yes")]
