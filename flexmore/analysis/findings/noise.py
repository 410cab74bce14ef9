"""The noise floor: the largest rank is the full expert up to rounding, so what differs between them is rounding."""

import numpy as np
import pandas as pd

from flexmore.analysis.statistics.items import ItemScores
from flexmore.analysis.statistics.scopes import Scopes, interval, spread
from flexmore.analysis.tables.ranks import full
from flexmore.config.analysis import AnalysisSettings

COLUMNS = ["expert", "rank", "scope", "name", "difference", "low", "high", "items", "differ"]


def noise_floor(
    scores: pd.DataFrame, answers: ItemScores | None, scopes: Scopes, settings: AnalysisSettings
) -> pd.DataFrame:
    """The saturated rank's score less full's, for every expert, on the average and each group.

    Args:
        answers: of all pairs; None where no items are known.
        scopes: of the table.

    Returns:
        Columns `COLUMNS`, with the paired interval and how many of the scope's items have another value. Empty where
        no rank above saturation was evaluated (nothing says then which rank saturates), no full, or no items.
    """
    pairs = scores[scores["kind"] == "pair"].drop_duplicates("mixture")
    saturated = pairs[pairs["rank"].str.isdigit() & (pairs["rank"] != pairs["effective_rank"])]
    ends = saturated.drop_duplicates("experts").merge(full(pairs), on="experts", suffixes=("", "_full"))
    if answers is None or ends.empty:
        return pd.DataFrame(columns=COLUMNS)
    one, other = answers.only(list(ends["mixture"])), answers.only(list(ends["mixture_full"]))
    difference = ItemScores(
        tuple(ends["experts"]), answers.tasks, tuple(a - b for a, b in zip(one.values, other.values, strict=True))
    )
    part = scopes.only(["average", "group"])
    error, freedom = spread(part, *difference.errors())
    value = np.round(difference.means() @ part.weights.T, 12)
    low, high = interval(value, error, freedom, settings.confidence)
    counts = np.array([v.shape[1] for v in difference.values])
    differ = np.stack([(v != 0).sum(axis=1) for v in difference.values], axis=1) @ (part.weights.T > 0)
    index = pd.MultiIndex.from_product([range(len(ends)), range(len(part.index))])
    rows = pd.DataFrame(
        {
            "expert": ends["experts"].to_numpy()[index.get_level_values(0)],
            "rank": ends["effective_rank"].to_numpy()[index.get_level_values(0)],
        }
    )
    about = part.index.iloc[index.get_level_values(1)].reset_index(drop=True)
    return pd.concat([rows, about[["scope", "name"]]], axis=1).assign(
        difference=value.ravel(), low=low.ravel(), high=high.ravel(),
        items=np.tile((part.weights > 0) @ counts, len(ends)), differ=differ.ravel(),
    )[COLUMNS]  # fmt: skip
