"""The pairs as the paper lists them: every expert at every rank, with its average and its gain."""

import pandas as pd

from flexmore.analysis.ranks import rank_order

PAIR_COLUMNS = [
    "expert", "rank", "effective_rank", "parameters", "average", "gain", "stderr", "low", "high", "verdict",
]  # fmt: skip


def list_pairs(gains: pd.DataFrame) -> pd.DataFrame:
    """List the pairs of the ladder and of full, by expert and rank; a saturated rank has a row of its own.

    Args:
        gains: as `gains.gains` returns them.

    Returns:
        Columns `PAIR_COLUMNS`; scores and gains of the average are shares of one.
    """
    rows = gains[(gains["kind"] == "pair") & (gains["scope"] == "average")]
    rows = rows.rename(columns={"experts": "expert", "score": "average"})
    place = rows["rank"].map(rank_order)
    return rows.assign(place=place).sort_values(["expert", "place"], kind="stable")[PAIR_COLUMNS].reset_index(drop=True)
