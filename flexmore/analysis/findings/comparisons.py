"""Can the data tell two mixtures apart? Paired tests on the same items, corrected for how many there are."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from flexmore.analysis.statistics.items import ItemScores
from flexmore.analysis.statistics.pair_draws import ends
from flexmore.analysis.statistics.resampling import over_items
from flexmore.analysis.statistics.scopes import Scopes, spread
from flexmore.config.analysis import AnalysisSettings

HIGHER, LOWER, UNCLEAR = "higher", "lower", "cannot tell"
POWER = 0.8
COLUMNS = [
    "active", "mixture", "other", "difference", "low", "high", "p", "p_holm", "items", "only_first", "only_other",
    "p_mcnemar", "detectable", "verdict",
]  # fmt: skip


def compare(
    answers: ItemScores, scopes: Scopes, pairs: Sequence[tuple[str, str]], settings: AnalysisSettings
) -> pd.DataFrame:
    """Compare pairs of mixtures on the average.

    Args:
        answers: of all mixtures named.
        scopes: of the table.
        pairs: (mixture, other).

    Returns:
        Columns `COLUMNS` without `active`: the difference of the averages with its paired bootstrap interval; p of
        the paired t test (Welch-Satterthwaite over tasks) and the same after Holm's correction for all `pairs`; the
        items that only the one and only the other answers, over all tasks, with McNemar's exact p (every item weighs
        the same there; missing where values are not 0 and 1); the smallest true difference that this many items would
        show in 80 % of repeats (`detectable`); and the verdict after the correction.
    """
    average = scopes.only(["average"])
    mixtures = sorted({name for pair in pairs for name in pair})
    own = answers.only(mixtures)
    drawn = over_items(own, average, settings.draws, settings.seed)[:, :, 0]
    place = {name: i for i, name in enumerate(mixtures)}
    first, other = (np.array([place[pair[side]] for pair in pairs], dtype=np.int64) for side in (0, 1))
    rows = np.eye(len(mixtures))
    weights = rows[first] - rows[other]
    difference = own.contrast(weights, [f"{a} - {b}" for a, b in pairs])
    error, freedom = (array[:, 0] for array in spread(average, *difference.errors()))
    value = np.round(difference.means() @ average.weights[0], 12)
    low, high = ends(drawn[:, first] - drawn[:, other], settings.confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(value == 0, 1.0, 2 * student.sf(np.abs(value) / error, freedom))
    corrected = multipletests(p, method="holm")[1] if len(pairs) else p
    sure = corrected < 1 - settings.confidence
    reach = norm.ppf((1 + settings.confidence) / 2) + norm.ppf(POWER)
    table = pd.DataFrame(
        {
            "mixture": [pair[0] for pair in pairs], "other": [pair[1] for pair in pairs], "difference": value,
            "low": low, "high": high, "p": p, "p_holm": corrected, "detectable": reach * error,
            "verdict": np.select([sure & (value > 0), sure & (value < 0)], [HIGHER, LOWER], UNCLEAR),
        }
    )  # fmt: skip
    counted = [_mcnemar(own, a, b) for a, b in zip(first, other, strict=True)]
    columns = ["items", "only_first", "only_other", "p_mcnemar"]
    return table.join(pd.DataFrame(counted, columns=columns)).reindex(columns=COLUMNS[1:])


def _mcnemar(answers: ItemScores, first: int, other: int) -> tuple[int, float, float, float]:
    one, two = (np.concatenate([value[row] for value in answers.values]) for row in (first, other))
    if not (np.isin(one, (0, 1)).all() and np.isin(two, (0, 1)).all()):
        return len(one), math.nan, math.nan, math.nan
    only_first, only_other = int(((one == 1) & (two == 0)).sum()), int(((one == 0) & (two == 1)).sum())
    table = [[0, only_first], [only_other, 0]]
    # with no item that one alone answers there is nothing to test
    p = float(mcnemar(table, exact=True).pvalue) if only_first + only_other else 1.0
    return len(one), only_first, only_other, p


def compare_joint(
    scores: pd.DataFrame, answers: ItemScores | None, scopes: Scopes, settings: AnalysisSettings
) -> pd.DataFrame:
    """Every joint mixture against every other of as many active experts, saturated duplicates left out.

    Returns:
        Columns `COLUMNS`; Holm's correction is over all rows. Empty where no items are known.
    """
    if answers is None:
        return pd.DataFrame(columns=COLUMNS)
    about = scores[scores["kind"] == "joint"].drop_duplicates("mixture")
    about = about.drop_duplicates(["active", "effective_rank"])
    pairs, active = [], []
    for count, rows in about.groupby("active"):
        found = list(itertools.combinations(rows["mixture"], 2))
        pairs += found
        active += [count] * len(found)
    if not pairs:
        return pd.DataFrame(columns=COLUMNS)
    return compare(answers, scopes, pairs, settings).assign(active=active)[COLUMNS]


def indistinct(comparisons: pd.DataFrame, averages: pd.Series) -> list[str]:
    """The mixtures that the data cannot tell from the one with the highest average, that one first.

    Args:
        comparisons: of `compare_joint`, of one number of active experts.
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
    """A row of `compare` in words."""
    difference, low, high, detectable = (100 * float(row[key]) for key in ("difference", "low", "high", "detectable"))
    lines = [
        f"{row['mixture']} less {row['other']}: {difference:+.2f} points of the average, {low:+.2f} to {high:+.2f} "
        f"(paired bootstrap over items); p = {row['p']:.3g}",
        f"smallest difference that shows in 80 % of repeats: {detectable:.2f} points",
    ]
    if not math.isnan(float(row["p_mcnemar"])):
        lines.append(
            f"{row['only_first']:.0f} items only the first answers, {row['only_other']:.0f} only the other, of "
            f"{row['items']}: "
            f"McNemar's exact p = {row['p_mcnemar']:.3g} (every item weighs the same)"
        )
    lines.append(f"verdict: {row['verdict']}")
    return "\n".join(lines)
