"""The planned contrasts of joint mixtures: the selected ranks against public, and against full experts.

They are few and named before the study, so they are corrected among themselves (Holm), apart from the comparisons of
every mixture with every other. The ranks were chosen on the items that judge here; how much that flatters is measured
on pairs, whose choices can be repeated on halves (`selection/heldout.py`); a joint mixture of other ranks would have
to be evaluated.
"""

import pandas as pd

from flexmore.analysis.findings.comparisons import compare
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import Scopes
from flexmore.analysis.tables.catalogue import ALL
from flexmore.config.analysis import AnalysisSettings

COLUMNS = [
    "mixture", "active", "against", "other", "difference", "low", "high", "p", "p_holm", "detectable", "flattered",
    "verdict",
]  # fmt: skip
PUBLIC, FULL = "public", "full"


def planned_contrasts(
    scores: pd.DataFrame,
    item_scores: ItemScores | None,
    scopes: Scopes,
    held_out: pd.DataFrame,
    settings: AnalysisSettings,
) -> pd.DataFrame:
    """Compare every joint mixture of selected ranks with public, and with the full experts of as many active.

    Args:
        held_out: as `heldout.cross_fit` returns it.

    Returns:
        Columns `COLUMNS`: those of `comparisons.compare`, what the mixture is compared with (`against`: public or
        full), and the mean over experts of what choosing on the same items adds to a pair's gain (`flattered`, missing
        where unknown). Empty where no items are known or nothing was selected.
    """
    joint = scores[scores["kind"] == "joint"].drop_duplicates("mixture")
    chosen = joint[~joint["rank"].str.isdigit() & (joint["rank"] != FULL)]
    if item_scores is None or chosen.empty:
        return pd.DataFrame(columns=COLUMNS)
    public = str(scores.loc[scores["kind"] == "baseline", "mixture"].iloc[0])
    whole = joint[joint["rank"] == FULL].set_index("active")["mixture"]
    rows = []
    for row in chosen.to_dict("records"):
        others = {PUBLIC: public} | ({FULL: str(whole[row["active"]])} if row["active"] in whole.index else {})
        rows += [
            {
                "mixture": row["mixture"],
                "active": row["active"],
                "against": against,
                "other": other,
                "rule": row["rank"],
            }
            for against, other in others.items()
        ]
    table = pd.DataFrame(rows)
    pairs = list(zip(table["mixture"], table["other"], strict=True))
    compared = compare(item_scores, scopes, pairs, settings).drop(columns=["mixture", "other"])
    optimism = held_out[held_out["expert"] == ALL].set_index("rule")["optimism"]
    flattered = table["rule"].map(optimism)
    return table.join(compared).assign(flattered=flattered)[COLUMNS]
