"""Paired tests of whether two mixtures differ on the same items, corrected for the number of tests."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.contingency_tables import mcnemar

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.holm import holm
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.resampling import percentile_interval, resample_items
from flexmore.analysis.statistics.scopes import DIGITS, Scopes, scopes_of
from flexmore.config.analysis import AnalysisSettings
from flexmore.errors import FlexmoreError

HIGHER, LOWER, UNCLEAR = "higher", "lower", "cannot tell"
POWER = 0.8
COLUMNS = [
    "active", "mixture", "other", "difference", "low", "high", "p", "p_holm", "items", "only_first", "only_other",
    "p_mcnemar", "detectable", "verdict",
]  # fmt: skip


def compare_two(inputs: Inputs, mixture: str, other: str, settings: AnalysisSettings) -> dict[str, object]:
    """Compare any two mixtures of the table: one row of `compare`, by column, in Python's own types.

    Raises:
        FlexmoreError: no such mixture, or no per-item results.
    """
    known = set(inputs.scores["mixture"])
    for name in (mixture, other):
        if name not in known:
            raise FlexmoreError(f"no mixture {name!r} in the table; `flexmore grid` lists a study's")
    item_scores = inputs.item_scores()
    if item_scores is None:
        raise FlexmoreError("per-item results (items.parquet) are needed to compare two mixtures")
    row = compare(item_scores, scopes_of(inputs.scores), [(mixture, other)], settings).iloc[0]
    return {str(key): value.item() if isinstance(value, np.generic) else value for key, value in row.items()}


def compare(
    item_scores: ItemScores, scopes: Scopes, contrasts: Sequence[tuple[str, str]], settings: AnalysisSettings
) -> pd.DataFrame:
    """Compare mixtures with others on the average, two at a time.

    Args:
        item_scores: of all mixtures named.
        scopes: of the table.
        contrasts: (mixture, other).
        settings: the level of intervals and tests, the number of bootstrap samples and their seed.

    Returns:
        Columns `COLUMNS` without `active`: the difference of the averages with its paired bootstrap interval; p of
        the paired t test (Welch-Satterthwaite over tasks) and the same after Holm's correction for all `contrasts`;
        how many items only the one and only the other answers, over all tasks, with McNemar's exact p (every item
        weighs the same there; missing where values are not 0 and 1); the smallest true difference that this many items
        would show in 80 % of repeats (`detectable`); and the verdict after the correction.
    """
    average = scopes.only(["average"])
    mixtures = sorted({name for contrast in contrasts for name in contrast})
    own = item_scores.only(mixtures)
    samples = resample_items(own, average, settings.bootstrap_samples, settings.seed)[:, :, 0]
    place = {name: i for i, name in enumerate(mixtures)}
    first, second = (np.array([place[contrast[side]] for contrast in contrasts], dtype=np.int64) for side in (0, 1))
    identity = np.eye(len(mixtures))
    difference = own.contrast(identity[first] - identity[second], [f"{a} - {b}" for a, b in contrasts])
    error, freedom = (array[:, 0] for array in scope_errors(difference, average))
    value = np.round(difference.means() @ average.weights[0], DIGITS)
    low, high = percentile_interval(samples[:, first] - samples[:, second], settings.confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(value == 0, 1.0, 2 * student.sf(np.abs(value) / error, freedom))
    corrected = holm(p)
    sure = corrected < 1 - settings.confidence
    reach = norm.ppf((1 + settings.confidence) / 2) + norm.ppf(POWER)
    table = pd.DataFrame(
        {
            "mixture": [one for one, _ in contrasts], "other": [two for _, two in contrasts], "difference": value,
            "low": low, "high": high, "p": p, "p_holm": corrected, "detectable": reach * error,
            "verdict": np.select([sure & (value > 0), sure & (value < 0)], [HIGHER, LOWER], UNCLEAR),
        }
    )  # fmt: skip
    counted = [_mcnemar(own, a, b) for a, b in zip(first, second, strict=True)]
    columns = ["items", "only_first", "only_other", "p_mcnemar"]
    return table.join(pd.DataFrame(counted, columns=columns)).reindex(columns=COLUMNS[1:])


def _mcnemar(item_scores: ItemScores, first: int, second: int) -> tuple[int, float, float, float]:
    """Return the number of items, those that only one of two rows answers, and McNemar's exact p."""
    one, two = (np.concatenate([value[row] for value in item_scores.values]) for row in (first, second))
    if not (np.isin(one, (0, 1)).all() and np.isin(two, (0, 1)).all()):
        return len(one), math.nan, math.nan, math.nan
    only_first, only_second = int(((one == 1) & (two == 0)).sum()), int(((one == 0) & (two == 1)).sum())
    table = [[0, only_first], [only_second, 0]]
    # where no item is answered by one alone there is nothing to test
    p = float(mcnemar(table, exact=True).pvalue) if only_first + only_second else 1.0
    return len(one), only_first, only_second, p


def compare_joint(
    scores: pd.DataFrame, item_scores: ItemScores | None, scopes: Scopes, settings: AnalysisSettings
) -> pd.DataFrame:
    """Compare every joint mixture with every other of as many active experts, saturated duplicates left out.

    Returns:
        Columns `COLUMNS`; Holm's correction is over all rows. Empty where no items are known.
    """
    if item_scores is None:
        return pd.DataFrame(columns=COLUMNS)
    about = scores[scores["kind"] == "joint"].drop_duplicates("mixture")
    about = about.drop_duplicates(["active", "effective_rank"])
    contrasts, active = [], []
    for count, rows in about.groupby("active"):
        found = list(itertools.combinations(rows["mixture"], 2))
        contrasts += found
        active += [count] * len(found)
    if not contrasts:
        return pd.DataFrame(columns=COLUMNS)
    return compare(item_scores, scopes, contrasts, settings).assign(active=active)[COLUMNS]


def indistinct(comparisons: pd.DataFrame, averages: pd.Series) -> list[str]:
    """List the mixtures that the data cannot tell from the one with the highest average, that one first.

    Args:
        comparisons: rows of `compare_joint`, of one number of active experts.
        averages: by mixture.
    """
    names = {*comparisons["mixture"], *comparisons["other"]}
    order = averages[averages.index.isin(names)].sort_values(ascending=False, kind="stable")
    if order.empty:
        return []
    top = order.index[0]
    unclear = comparisons[comparisons["verdict"] == UNCLEAR]
    tied = {*unclear.loc[unclear["mixture"] == top, "other"], *unclear.loc[unclear["other"] == top, "mixture"]}
    return [top, *(name for name in order.index if name in tied)]


def as_text(row: Mapping[str, Any]) -> str:
    """Return a row of `compare` in words."""
    difference, low, high, detectable = (100 * float(row[key]) for key in ("difference", "low", "high", "detectable"))
    lines = [
        f"{row['mixture']} less {row['other']}: {difference:+.2f} points of the average, {low:+.2f} to {high:+.2f} "
        f"(paired bootstrap over items); p = {row['p']:.3g}",
        f"smallest difference that shows in 80 % of repeats: {detectable:.2f} points",
    ]
    if not math.isnan(float(row["p_mcnemar"])):
        lines.append(
            f"{row['only_first']:.0f} items only the first answers, {row['only_other']:.0f} only the other, of "
            f"{row['items']}: McNemar's exact p = {row['p_mcnemar']:.3g} (every item weighs the same)"
        )
    lines.append(f"verdict: {row['verdict']}")
    return "\n".join(lines)
