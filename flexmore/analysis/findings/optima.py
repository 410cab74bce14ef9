"""Tables to read off: the best rank of each expert, the joint mixtures, what parameters buy."""

import numpy as np
import pandas as pd

from flexmore.analysis.tables.ranks import full, numbered

OPTIMA = [
    "expert", "scope", "name", "best_rank", "best_score", "best_gain", "best_low", "best_high", "full_score",
    "full_gain", "r95",
]  # fmt: skip
_KEYS = ["expert", "scope", "name"]


def optima(gains: pd.DataFrame, recovery: pd.DataFrame) -> pd.DataFrame:
    """The rank with the highest score, per expert, on the average, each group and its own domain, beside r95.

    Among the ladder's distinct ranks; ties go to the smallest. The highest of several equal ranks looks
    better than it is (a maximum of noise), which r95 does not suffer from.
    """
    rows = gains[(gains["kind"] == "pair") & (gains["scope"] != "task")]
    ladder = numbered(rows, kinds=("pair",))
    ladder = ladder.sort_values(["score", "effective_rank"], ascending=[False, True], kind="stable")
    top = ladder.drop_duplicates(["experts", "scope", "name"]).rename(columns={"experts": "expert"})
    top = top.rename(columns={key: f"best_{key}" for key in ("rank", "score", "gain", "low", "high")})
    whole = full(rows).rename(columns={"experts": "expert", "score": "full_score", "gain": "full_gain"})
    table = recovery[[*_KEYS, "r95"]].merge(top[[*_KEYS, *OPTIMA[3:8]]], how="left", on=_KEYS)
    table = table.merge(whole[[*_KEYS, "full_score", "full_gain"]], how="left", on=_KEYS)
    return table[OPTIMA]


def joint(gains: pd.DataFrame) -> pd.DataFrame:
    """The joint mixtures by active experts and rank: average, gain and its interval, and for each domain how
    much of the full pair's gain is retained (column `retained <domain>`; missing where that pair gains
    nothing)."""
    rows = gains[gains["kind"] == "joint"]
    table = rows[rows["scope"] == "average"][
        [
            "mixture",
            "active",
            "rank",
            "effective_rank",
            "parameters",
            "score",
            "gain",
            "stderr",
            "low",
            "high",
        ]
    ].rename(columns={"score": "average"})
    domains = rows[rows["scope"] == "domain"]
    pairs = full(gains[(gains["kind"] == "pair") & (gains["scope"] == "domain")])
    own = pairs[pairs["name"] == pairs["experts"]].set_index("name")
    for name in own.index:
        gain = domains[domains["name"] == name].set_index("mixture")["gain"]
        table[f"retained {name}"] = table["mixture"].map(gain) / (own["gain"][name] if own["low"][name] > 0 else np.nan)
    return table.reset_index(drop=True)


def parameters(gains: pd.DataFrame) -> pd.DataFrame:
    """Total parameters against the average for every mixture of the study, fewest first; `frontier` marks
    those that no mixture with as few parameters beats. Saturated ranks count as the adapter that they are."""
    rows = gains[(gains["scope"] == "average") & (gains["kind"] != "control")]
    table = rows[
        [
            "mixture",
            "kind",
            "experts",
            "rank",
            "active",
            "parameters",
            "score",
            "gain",
            "stderr",
            "low",
            "high",
        ]
    ].rename(columns={"score": "average"})
    table = table.sort_values(["parameters", "average"], ascending=[True, False], kind="stable").reset_index(drop=True)
    before = table["average"].cummax().shift(fill_value=-np.inf)
    return table.assign(frontier=table["average"] > before)
