"""The gaps of a table of scores: the mixtures that it lacks and a complete grid would have."""

import pandas as pd

from flexmore.analysis.ranks import rank_order


def gaps(scores: pd.DataFrame) -> pd.DataFrame:
    """List the mixtures that a complete grid would have and this table lacks.

    Returns:
        Columns kind, subject, rank, says (what cannot be said without it).
    """
    mixtures = scores.drop_duplicates("mixture")
    rows: list[tuple[str, str, str, str]] = []
    pairs = mixtures[mixtures["kind"] == "pair"]
    ranks = sorted(set(pairs["rank"]) | {"full"}, key=rank_order)
    for expert, own in pairs.groupby("experts"):
        for rank in ranks:
            if rank not in set(own["rank"]):
                what = "no r95, no half rank" if rank == "full" else "its curve has a hole there"
                rows.append(("pair", str(expert), rank, what))
        if own.loc[own["rank"].str.isdigit(), "effective_rank"].nunique() == 1:
            rows.append(("pair", str(expert), "all but one", "a single rank: no curve, no regression"))
    joint = mixtures[mixtures["kind"] == "joint"]
    labels = sorted(set(joint["rank"]), key=rank_order)
    for active, own in joint.groupby("active"):
        rows += [
            ("joint", f"{active} active", rank, "not compared at this number of active experts")
            for rank in labels
            if rank not in set(own["rank"])
        ]
    return pd.DataFrame(rows, columns=["kind", "subject", "rank", "says"])
