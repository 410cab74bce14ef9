"""Does reasoning need a higher rank than knowledge? A paired difference within each expert, tested over experts.

Two readings stand side by side. The difference of r95 in doublings is the statement, but a step of the ladder is coarse
and ties are many. The difference in arrival (`isotonic.arrival`, the mean log2 rank at which the gain comes) uses the
whole curve and is what is tested.

All experts answer the same items and are measured against the same public scores, so their differences share a part of
their noise; a test that takes experts as independent (a sign flip, a t test) rejects true nulls three times too often.
The error of the mean difference is therefore that of the items (from the bootstrap, which draws them for all experts at
once) and that of the experts (from their spread) together; what both hold is counted twice, on the safe side.
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
from flexmore.config.analysis import AnalysisSettings

ALL = "all"
PAIR = ("reasoning", "knowledge")
COLUMNS = [
    "expert", "measure", "reasoning", "knowledge", "difference", "low", "high", "tasks_low", "tasks_high",
    "n_experts", "p", "note",
]  # fmt: skip
MEASURES = ("r95", "arrival")


def compare_skills(gains: pd.DataFrame, draws: GainSamples, settings: AnalysisSettings) -> pd.DataFrame:
    """Reasoning less knowledge in log2 rank, for every expert and over all.

    Args:
        gains: of `gains.gains`, with the scope `skill`.
        draws: of `pairs.draw_pairs`.

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
            skill: _measured(points.get((expert, skill)), whole.get((expert, skill)), draws, settings) for skill in PAIR
        }
        if note := "; ".join(f"{skill}: {reason}" for skill, (_, reason) in found.items() if reason):
            rows += [_row(str(expert), measure) | {"note": note} for measure in MEASURES]
            continue
        for measure in MEASURES:
            one, other = (found[skill][0][measure] for skill in PAIR)
            differences[measure].append([a - b for a, b in zip(one, other, strict=True)])
            values = {"reasoning": float(one[0]), "knowledge": float(other[0])}
            rows.append(_row(str(expert), measure) | values | _interval(differences[measure][-1], settings))
    for measure in MEASURES:
        rows.append(_row(ALL, measure) | _over_experts(differences[measure], measure, settings))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(expert: str, measure: str) -> dict[str, object]:
    return dict.fromkeys(COLUMNS, math.nan) | {"expert": expert, "measure": measure, "note": ""}


def _measured(
    points: pd.DataFrame | None, whole: pd.DataFrame | None, draws: GainSamples, settings: AnalysisSettings
) -> tuple[dict[str, list[Array]], str]:
    """Each measure as measured, over items and over tasks; and why there is none, if so.

    Args:
        points: an expert's gains on one skill at its distinct ranks, rising.
        whole: full's.
    """
    if whole is None or points is None or len(points) < 2:
        return {}, "no full expert or fewer than two ranks on these groups"
    if not float(whole["low"].iloc[0]) > 0:
        return {}, NO_GAIN
    log2_ranks = np.log2(points["effective_rank"].to_numpy(dtype=np.float64))
    measured = np.append(points["gain"].to_numpy(), whole["gain"].iloc[0])[None]
    all_draws = draws.of([*points["mixture"], whole["mixture"].iloc[0]], "skill", str(whole["name"].iloc[0]))
    found: dict[str, list[Array]] = {measure: [] for measure in MEASURES}
    for values in (measured, *all_draws):
        curves, ends_at = values[:, :-1], values[:, -1]
        places = np.append(log2_ranks, log2_ranks[-1] + 1)
        reached = places[reach(monotone(curves), settings.recovery * ends_at)]
        unknown = np.isnan(values).any(axis=1)
        found["r95"].append(np.where(unknown, np.nan, np.where(ends_at > 0, reached, places[-1])).squeeze())
        with np.errstate(divide="ignore", invalid="ignore"):
            arrived = np.where(ends_at > 0, arrival(log2_ranks, curves, ends_at), places[-1])
        found["arrival"].append(np.where(unknown, np.nan, arrived).squeeze())
    return found, ""


def _interval(difference: list[Array], settings: AnalysisSettings) -> dict[str, float]:
    measured, items, tasks = difference
    low, high = percentile_interval(items, settings.confidence)
    tasks_low, tasks_high = percentile_interval(tasks, settings.confidence)
    return {
        "difference": float(measured), "low": float(low), "high": float(high),
        "tasks_low": float(tasks_low), "tasks_high": float(tasks_high),
    }  # fmt: skip


def _over_experts(differences: list[list[Array]], measure: str, settings: AnalysisSettings) -> dict[str, object]:
    count = len(differences)
    if count == 0:
        return {"n_experts": 0, "note": "no expert gains in both"}
    means = [np.mean([difference[part] for difference in differences], axis=0) for part in range(3)]
    row: dict[str, object] = {"n_experts": count, **_interval(means, settings)}
    if measure == "arrival" and count > 1:
        row["p"] = _p(np.array([float(difference[0]) for difference in differences]), means[1], settings.confidence)
    return row


def _p(differences: Array, drawn: Array, confidence: float) -> float:
    """Two-sided p of a mean over experts, its error that of items and of experts together.

    Args:
        differences: one of each expert.
        drawn: bootstrap draws of their mean over items.
    """
    low, high = percentile_interval(drawn, confidence)
    # from the width of the percentile interval, which a few wild draws do not move
    items = (high - low) / (2 * norm.ppf((1 + confidence) / 2))
    error = math.hypot(float(items), float(differences.std(ddof=1)) / math.sqrt(len(differences)))
    if error == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    return float(2 * student.sf(abs(differences.mean()) / error, len(differences) - 1))
