"""Summaries of the gains: the best rank of each expert, the joint mixtures, what parameters buy."""

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.pair_bootstrap import GainSamples
from flexmore.analysis.statistics.resampling import percentile_interval

BEST_COLUMNS = [
    "expert", "scope", "name", "best_rank", "rank_low", "rank_high", "best_score", "best_gain", "best_low", "best_high",
    "full_score", "full_gain", "r95",
]  # fmt: skip
_KEYS = ["expert", "scope", "name"]
_ESTIMATE = ["score", "gain", "stderr", "low", "high"]


def best_ranks(
    gains: pd.DataFrame, recovery: pd.DataFrame, samples: GainSamples, confidence: float = 0.95
) -> pd.DataFrame:
    """Find the rank with the highest score, per expert, on every scope but single tasks, beside r95.

    It is one of the ladder's distinct ranks; ties go to the smallest. The highest of several equally good ranks looks
    better than it is (a maximum of noise): `chosen.py` judges it on other items. The interval of its place is that of
    the highest in every bootstrap sample.

    Args:
        gains: as `gains.gains` returns them.
        recovery: as `recovery.recover` returns it.
        samples: as `bootstrap_gains` returns them.

    Returns:
        Columns `BEST_COLUMNS`.
    """
    rows = gains[(gains["kind"] == "pair") & (gains["scope"] != "task")]
    ladder = numbered(rows, kinds=("pair",))
    ladder = ladder.sort_values(["score", "effective_rank"], ascending=[False, True], kind="stable")
    top = ladder.drop_duplicates(["experts", "scope", "name"]).rename(columns={"experts": "expert"})
    top = top.rename(columns={key: f"best_{key}" for key in ("rank", "score", "gain", "low", "high")})
    whole = full(rows).rename(columns={"experts": "expert", "score": "full_score", "gain": "full_gain"})
    table = recovery[[*_KEYS, "r95"]].merge(
        top[[*_KEYS, *(f"best_{key}" for key in ("rank", "score", "gain", "low", "high"))]], how="left", on=_KEYS
    )
    table = table.merge(whole[[*_KEYS, "full_score", "full_gain"]], how="left", on=_KEYS)
    grouped = ladder.groupby(["experts", "scope", "name"], sort=False)
    places = {key: _place_interval(own, samples, confidence) for key, own in grouped}
    ends = [places.get((row["expert"], row["scope"], row["name"]), ("", "")) for row in table.to_dict("records")]
    table["rank_low"], table["rank_high"] = ([end[side] for end in ends] for side in (0, 1))
    return table[BEST_COLUMNS]


def _place_interval(ladder: pd.DataFrame, samples: GainSamples, confidence: float) -> tuple[str, str]:
    """Return the interval of the rank with the highest score; empty where the samples are not known."""
    rows = ladder.sort_values("effective_rank")
    over_items, _ = samples.of(list(rows["mixture"]), str(rows["scope"].iloc[0]), str(rows["name"].iloc[0]))
    if np.isnan(over_items).any():
        return "", ""
    low, high = percentile_interval(np.argmax(over_items, axis=1).astype(np.float64), confidence)
    return str(rows["rank"].iloc[int(low)]), str(rows["rank"].iloc[int(high)])


def joint_mixtures(gains: pd.DataFrame) -> pd.DataFrame:
    """Summarize the joint mixtures: average, gain and its interval, and what is retained of each full pair's gain.

    Returns:
        A row per joint mixture; of each domain a column `retained <domain>`, the share of the full pair's gain on it,
        missing where that pair gains nothing.
    """
    rows = gains[gains["kind"] == "joint"]
    columns = ["mixture", "active", "rank", "effective_rank", "parameters", *_ESTIMATE]
    table = rows.loc[rows["scope"] == "average", columns].rename(columns={"score": "average"})
    domains = rows[rows["scope"] == "domain"]
    pairs = full(gains[(gains["kind"] == "pair") & (gains["scope"] == "domain")])
    own = pairs[pairs["name"] == pairs["experts"]].set_index("name")
    for name in own.index:
        gain = domains[domains["name"] == name].set_index("mixture")["gain"]
        retained = table["mixture"].map(gain).astype("float64")  # of text where no mixture is there
        table[f"retained {name}"] = retained / (own["gain"][name] if own["low"][name] > 0 else np.nan)
    return table.reset_index(drop=True)


def parameters(gains: pd.DataFrame) -> pd.DataFrame:
    """List the parameters and the average of every mixture but controls, fewest parameters first.

    `frontier` marks those that no mixture with as few parameters beats. A saturated rank counts as the adapter that it
    is.
    """
    rows = gains[(gains["scope"] == "average") & (gains["kind"] != "control")]
    columns = ["mixture", "kind", "experts", "rank", "active", "parameters", *_ESTIMATE]
    table = rows[columns].rename(columns={"score": "average"})
    table = table.sort_values(["parameters", "average"], ascending=[True, False], kind="stable").reset_index(drop=True)
    before = table["average"].cummax().shift(fill_value=-np.inf)
    return table.assign(frontier=table["average"] > before)
