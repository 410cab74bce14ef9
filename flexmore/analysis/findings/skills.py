"""A comparison of reasoning with knowledge: a paired difference of rank within each expert, tested over experts.

There are two measures. The difference of r95 in doublings is the statement, but a step of the ladder is coarse and ties
are many. The difference in arrival (`isotonic.arrival`, the mean log2 rank at which the gain comes) uses the whole
curve and is tested.

All experts answer the same items and their gains are over the same public scores, so their differences share a part of
their noise; a test that takes experts as independent (a sign flip, a t test) rejects true nulls three times too often.
The error of the mean difference is therefore that of the items (from the bootstrap, which resamples them for all
experts at once) and that of the experts (from their spread) together. What both contain is counted twice, so the test
is conservative.
"""

import math

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from flexmore.analysis.findings.recovery import NO_GAIN
from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.isotonic import arrival, monotone, reach
from flexmore.analysis.statistics.pair_bootstrap import GainSamples
from flexmore.analysis.statistics.resampling import percentile_interval
from flexmore.analysis.statistics.scopes import Array
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

SKILLS = ("reasoning", "knowledge")
COLUMNS = [
    "expert", "measure", "reasoning", "knowledge", "difference", "low", "high", "tasks_low", "tasks_high",
    "n_experts", "p", "note",
]  # fmt: skip
MEASURES = ("r95", "arrival")


def compare_skills(gains: pd.DataFrame, samples: GainSamples, settings: AnalysisSettings) -> pd.DataFrame:
    """Compare reasoning with knowledge in log2 rank, for every expert and over all.

    Args:
        gains: as `gains.gains` returns them, with the scope `skill`.
        samples: as `bootstrap_gains` returns them.
        settings: section `analysis` of the configuration.

    Returns:
        Columns `COLUMNS`, a row per expert (and `all`, the mean over those that gain in both) and measure: `r95` and
        `arrival` in log2 rank (an r95 of `full` counts as a doubling of the largest rank), their difference with
        intervals over items and over tasks, for these experts. `p`, in the row `all` of `arrival` alone, is two-sided,
        over items and experts: the mean difference by its error against Student's t with one degree of freedom less
        than there are experts.
    """
    rows: list[dict[str, object]] = []
    differences: dict[str, list[list[Array]]] = {measure: [] for measure in MEASURES}
    wanted = gains[(gains["scope"] == "skill") & gains["kind"].isin(["pair", "extra"])]
    points, whole = (dict(list(part.groupby(["experts", "name"]))) for part in (numbered(wanted), full(wanted)))
    for expert in gains.loc[gains["kind"] == "pair", "experts"].unique():
        found = {
            skill: _measures(points.get((expert, skill)), whole.get((expert, skill)), samples, settings)
            for skill in SKILLS
        }
        if note := "; ".join(f"{skill}: {reason}" for skill, (_, reason) in found.items() if reason):
            rows += [_row(str(expert), measure) | {"note": note} for measure in MEASURES]
            continue
        for measure in MEASURES:
            one, other = (found[skill][0][measure] for skill in SKILLS)
            differences[measure].append([a - b for a, b in zip(one, other, strict=True)])
            values = {"reasoning": float(one[0]), "knowledge": float(other[0])}
            rows.append(_row(str(expert), measure) | values | _interval(differences[measure][-1], settings))
    for measure in MEASURES:
        rows.append(_row(ALL, measure) | _over_experts(differences[measure], measure, settings))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(expert: str, measure: str) -> dict[str, object]:
    """Return a row with nothing known."""
    return dict.fromkeys(COLUMNS, math.nan) | {"expert": expert, "measure": measure, "note": ""}


def _measures(
    points: pd.DataFrame | None, whole: pd.DataFrame | None, samples: GainSamples, settings: AnalysisSettings
) -> tuple[dict[str, list[Array]], str]:
    """Return each measure of one expert on one skill; and why there is none, if so.

    Each is a list: of the gains themselves, of the samples over items, of the samples over tasks.

    Args:
        points: an expert's gains on one skill at its distinct ranks, rising.
        whole: full's.
    """
    if whole is None or points is None or len(points) < 2:
        return {}, "no full expert or fewer than two ranks on these groups"
    if not float(whole["low"].iloc[0]) > 0:
        return {}, NO_GAIN
    log2_ranks = np.log2(points["effective_rank"].to_numpy(dtype=np.float64))
    estimate = np.append(points["gain"].to_numpy(), whole["gain"].iloc[0])[None]
    resampled = samples.of([*points["mixture"], whole["mixture"].iloc[0]], "skill", str(whole["name"].iloc[0]))
    found: dict[str, list[Array]] = {measure: [] for measure in MEASURES}
    for values in (estimate, *resampled):
        curves, whole_gain = values[:, :-1], values[:, -1]
        places = np.append(log2_ranks, log2_ranks[-1] + 1)
        reached = places[reach(monotone(curves), settings.recovery * whole_gain)]
        unknown = np.isnan(values).any(axis=1)
        found["r95"].append(np.where(unknown, np.nan, np.where(whole_gain > 0, reached, places[-1])).squeeze())
        with np.errstate(divide="ignore", invalid="ignore"):
            arrived = np.where(whole_gain > 0, arrival(log2_ranks, curves, whole_gain), places[-1])
        found["arrival"].append(np.where(unknown, np.nan, arrived).squeeze())
    return found, ""


def _interval(difference: list[Array], settings: AnalysisSettings) -> dict[str, float]:
    """Return a difference with its intervals over items and over tasks."""
    estimate, items, tasks = difference
    low, high = percentile_interval(items, settings.confidence)
    tasks_low, tasks_high = percentile_interval(tasks, settings.confidence)
    return {
        "difference": float(estimate), "low": float(low), "high": float(high),
        "tasks_low": float(tasks_low), "tasks_high": float(tasks_high),
    }  # fmt: skip


def _over_experts(differences: list[list[Array]], measure: str, settings: AnalysisSettings) -> dict[str, object]:
    """Return the mean difference over experts with its intervals and test."""
    count = len(differences)
    if count == 0:
        return {"n_experts": 0, "note": "no expert gains in both"}
    means = [np.mean([difference[part] for difference in differences], axis=0) for part in range(3)]
    row: dict[str, object] = {"n_experts": count, **_interval(means, settings)}
    if measure == "arrival" and count > 1:
        row["p"] = _p(np.array([float(difference[0]) for difference in differences]), means[1], settings.confidence)
    return row


def _p(differences: Array, samples: Array, confidence: float) -> float:
    """Return the two-sided p of a mean over experts, its error that of items and of experts together.

    Args:
        differences: one of each expert.
        samples: bootstrap samples of their mean, over items.
    """
    low, high = percentile_interval(samples, confidence)
    # from the width of the percentile interval, which a few outlying samples do not move
    items = (high - low) / (2 * norm.ppf((1 + confidence) / 2))
    error = math.hypot(float(items), float(differences.std(ddof=1)) / math.sqrt(len(differences)))
    if error == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    return float(2 * student.sf(abs(differences.mean()) / error, len(differences) - 1))
