"""The order of ranks, and which of them are distinct adapters."""

import pandas as pd


def rank_order(label: str) -> tuple[int, int, str]:
    """Return the sort key of a rank label: numbers by size, then `full`, then selections by name."""
    if label.isdigit():
        return (0, int(label), "")
    return (1, 0, "") if label == "full" else (2, 0, label)


def full(rows: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of full experts (or of joint mixtures of full experts)."""
    return rows[rows["rank"] == "full"]


def numbered(rows: pd.DataFrame, kinds: tuple[str, ...] = ("pair", "extra")) -> pd.DataFrame:
    """Select the rows of `kinds` at a numbered rank, saturated duplicates left out, by effective rank.

    Ranks above min(hidden, ffn) are the same adapter, so of each effective rank only the smallest nominal one
    stays. `effective_rank` comes back as an integer column.
    """
    rows = rows[rows["kind"].isin(kinds) & rows["rank"].str.isdigit() & rows["effective_rank"].str.isdigit()]
    rows = rows.assign(effective_rank=rows["effective_rank"].astype(int), nominal=rows["rank"].astype(int))
    keys = [
        key for key in ("experts", "active", "effective_rank", "group", "task", "scope", "name") if key in rows.columns
    ]
    rows = rows.sort_values([*keys, "nominal"], kind="stable")
    return rows.drop_duplicates(keys).drop(columns="nominal").reset_index(drop=True)
