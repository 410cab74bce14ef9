"""The noise floor: the largest rank is the full expert up to rounding, so they differ by rounding alone."""

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full
from flexmore.analysis.statistics.errors import scope_errors
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import DIGITS, Scopes, interval
from flexmore.config.analysis import AnalysisSettings

COLUMNS = ["expert", "rank", "scope", "name", "difference", "low", "high", "items", "differ"]


def noise_floor(
    scores: pd.DataFrame, item_scores: ItemScores | None, scopes: Scopes, settings: AnalysisSettings
) -> pd.DataFrame:
    """Compare the saturated rank with full, for every expert, on the average and each group.

    Args:
        scores: the tidy table.
        item_scores: of all pairs; None where no items are known.
        scopes: of the table.

    Returns:
        Columns `COLUMNS`: the difference with its paired interval, and how many of the scope's items differ. Empty
        where no rank above saturation was evaluated (the table does not say then which rank saturates), no full, or no
        items are known.
    """
    pairs = scores[scores["kind"] == "pair"].drop_duplicates("mixture")
    saturated = pairs[pairs["rank"].str.isdigit() & (pairs["rank"] != pairs["effective_rank"])]
    both = saturated.drop_duplicates("experts").merge(full(pairs), on="experts", suffixes=("", "_full"))
    if item_scores is None or both.empty:
        return pd.DataFrame(columns=COLUMNS)
    difference = item_scores.only(list(both["mixture"])).less(item_scores.only(list(both["mixture_full"])))
    part = scopes.only(["average", "group"])
    error, freedom = scope_errors(difference, part)
    value = np.round(difference.means() @ part.weights.T, DIGITS)
    low, high = interval(value, error, freedom, settings.confidence)
    counts = np.array([v.shape[1] for v in difference.values])
    differ = np.stack([(v != 0).sum(axis=1) for v in difference.values], axis=1) @ (part.weights.T > 0)
    index = pd.MultiIndex.from_product([range(len(both)), range(len(part.index))])
    rows = pd.DataFrame(
        {
            "expert": both["experts"].to_numpy()[index.get_level_values(0)],
            "rank": both["effective_rank"].to_numpy()[index.get_level_values(0)],
        }
    )
    about = part.index.iloc[index.get_level_values(1)].reset_index(drop=True)
    return pd.concat([rows, about[["scope", "name"]]], axis=1).assign(
        difference=value.ravel(), low=low.ravel(), high=high.ravel(),
        items=np.tile((part.weights > 0) @ counts, len(both)), differ=differ.ravel(),
    )[COLUMNS]  # fmt: skip
