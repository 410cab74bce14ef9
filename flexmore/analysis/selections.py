"""Selections: the rules of `rules.py` applied to the pairs' scores."""

import numpy as np
import pandas as pd

from flexmore.analysis.gains import score_errors
from flexmore.analysis.ranks import numbered
from flexmore.analysis.rules import RULES
from flexmore.analysis.scopes import matrix as wide
from flexmore.analysis.scopes import scopes_of, spread
from flexmore.errors import FlexmoreError


def candidates(scores: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    """What a rule chooses from: the pairs at the ladder's distinct ranks (no full, no extras).

    Args:
        scores: the tidy table.
        items: per-item values; without them the standard errors come from the scores'.

    Returns:
        Columns expert, rank (the nominal one, int), effective_rank (int), average, stderr (of the average,
        from the items), by expert and effective rank. Of saturated ranks only the smallest stands here.

    Raises:
        FlexmoreError: there are no pairs at a numbered rank.
    """
    pairs = scores[(scores["kind"] == "pair") & scores["rank"].str.isdigit()]
    if pairs.empty:
        raise FlexmoreError(
            "selections choose among the pairs' ladder ranks, and the table has none; evaluate pairs first"
        )
    scopes = scopes_of(scores)
    own = None if items is None else items[items["mixture"].isin(pairs["mixture"].unique())]
    error, _ = spread(scopes, *score_errors(pairs, own, scopes))
    values = wide(pairs, "score", scopes.tasks)
    # rounded, so that the same means added in another order are a tie
    average = np.round(values.to_numpy() @ scopes.weights[0], 12)
    estimates = pd.DataFrame({"mixture": values.index, "average": average, "stderr": error[:, 0]})
    about = pairs[["mixture", "kind", "experts", "rank", "effective_rank"]].drop_duplicates("mixture")
    distinct = numbered(about.merge(estimates, on="mixture"), kinds=("pair",))
    distinct = distinct.assign(rank=distinct["rank"].astype(int)).rename(columns={"experts": "expert"})
    return distinct[["expert", "rank", "effective_rank", "average", "stderr"]]


def select(rule: str, scores: pd.DataFrame, items: pd.DataFrame | None = None) -> dict[str, int]:
    """Apply a rule to the pairs' scores.

    Args:
        rule: a name in `RULES`.
        scores: the tidy table, or just its pairs.
        items: their items, for standard errors.

    Returns:
        expert -> rank of the ladder.

    Raises:
        FlexmoreError: an unknown rule, or no pairs to choose from.
    """
    if rule not in RULES:
        raise FlexmoreError(f"selection {rule!r}: no such rule; expected one of {', '.join(RULES)}")
    return RULES[rule](candidates(scores, items))


def selections(scores: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    """Every rule's ranks: columns rule, expert, rank, average and stderr of that expert's pair."""
    if not ((scores["kind"] == "pair") & scores["rank"].str.isdigit()).any():
        return pd.DataFrame(columns=["rule", "expert", "rank", "average", "stderr"])
    found = candidates(scores, items)
    chosen = [
        found.merge(pd.DataFrame(list(rule(found).items()), columns=["expert", "rank"])).assign(rule=name)
        for name, rule in RULES.items()
    ]
    return pd.concat(chosen, ignore_index=True)[["rule", "expert", "rank", "average", "stderr"]]
