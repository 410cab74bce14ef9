"""Ranks under a parameter budget: those with the highest sum of pair gains, found exactly.

That the gains of pairs add up in a joint mixture is an assumption, which `additivity.py` tests.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.ranks import full, numbered
from flexmore.analysis.statistics.scopes import DIGITS
from flexmore.errors import FlexmoreError

FRONT_COLUMNS = ["parameters", "gain"]
"""Columns of the Pareto front; a column per expert follows, its rank."""


@dataclass(frozen=True)
class Choices:
    """Hold what can be chosen, and what it costs.

    Attributes:
        table: a row per expert and rank of the ladder (or `full`): expert, rank, mixture (the pair), gain (on the
            average, over public), size (parameters of the expert at that rank).
        base: parameters of a joint mixture without its experts.
    """

    table: pd.DataFrame
    base: int

    @property
    def experts(self) -> list[str]:
        """List the experts, in the order of the table."""
        return [str(name) for name in self.table["expert"].unique()]

    def parameters(self, ranks: Mapping[str, str]) -> int:
        """Count the parameters of the joint mixture with these ranks."""
        return self.base + int(self._rows(ranks)["size"].sum())

    def gain(self, ranks: Mapping[str, str]) -> float:
        """Return the sum of the pairs' gains."""
        return round(float(self._rows(ranks)["gain"].sum()), DIGITS)

    def mixtures(self, ranks: Mapping[str, str]) -> list[str]:
        """List the pairs with these ranks."""
        return [str(mixture) for mixture in self._rows(ranks)["mixture"]]

    def uniform(self) -> dict[str, dict[str, str]]:
        """Return the ranks of every expert for each rank that all experts have: rank -> (expert -> rank)."""
        each = [set(own["rank"]) for _, own in self.table.groupby("expert")]
        common = set.intersection(*each) if each else set()
        order = [rank for rank in self.table["rank"].unique() if rank in common]
        return {str(rank): dict.fromkeys(self.experts, str(rank)) for rank in order}

    def _rows(self, ranks: Mapping[str, str]) -> pd.DataFrame:
        """Select the row of each expert at its rank."""
        return self.table[self.table["rank"] == self.table["expert"].map(ranks)]


def choices_of(gains: pd.DataFrame) -> Choices:
    """Read the gain and the size of every expert at every rank from the table of gains.

    An adapter's size is the number of parameters that its pair has beyond the smallest pair of that expert. The size
    of a joint mixture of all smallest adapters is read from a uniform joint mixture.

    Args:
        gains: as `gains.gains` returns them.

    Raises:
        FlexmoreError: no pairs at ranks of the ladder, or no uniform joint mixture to count parameters from.
    """
    rows = gains[(gains["scope"] == "average") & (gains["kind"] == "pair")]
    table = pd.concat([numbered(rows, kinds=("pair",)), full(rows)])
    if table.empty:
        raise FlexmoreError(
            "a budget is spent on ranks of the ladder, and the table has no pair at such a rank; evaluate pairs first"
        )
    table = table.assign(expert=table["experts"])
    joint = gains[(gains["scope"] == "average") & (gains["kind"] == "joint")]
    table["size"] = table["parameters"] - table.groupby("expert")["parameters"].transform("min")
    for row in joint.to_dict("records"):
        members = table[(table["rank"] == row["rank"]) & table["expert"].isin(row["experts"].split("+"))]
        if len(members) == table["expert"].nunique():
            base = int(row["parameters"]) - int(members["size"].sum())
            return Choices(table[["expert", "rank", "mixture", "gain", "size"]].reset_index(drop=True), base)
    raise FlexmoreError(
        "no joint mixture at a uniform rank that all experts have as pairs: a joint mixture's parameters cannot be "
        "counted; evaluate one"
    )


def front_of(choices: Choices) -> pd.DataFrame:
    """Return the Pareto front: every set of ranks that no set with as few parameters beats in its sum of pair gains.

    Exact: experts are added one at a time to the undominated sets so far (Nemhauser and Ullmann 1969), and a
    dominated set can never become part of an undominated one.

    Returns:
        Columns parameters, gain, and a rank per expert, by rising parameters (and gain).
    """
    sizes, gains = np.zeros(1, dtype=np.int64), np.zeros(1)
    chosen = np.zeros((1, 0), dtype=np.int64)
    for _, own in choices.table.groupby("expert", sort=False):
        size = (sizes[:, None] + own["size"].to_numpy()).ravel()
        gain = np.round((gains[:, None] + own["gain"].to_numpy()).ravel(), DIGITS)
        before, option = np.divmod(np.arange(len(size)), len(own))
        order = np.lexsort((-gain, size))
        highest = np.maximum.accumulate(np.concatenate([[-math.inf], gain[order][:-1]]))
        kept = order[gain[order] > highest]
        sizes, gains = size[kept], gain[kept]
        chosen = np.column_stack([chosen[before[kept]], own.index.to_numpy()[option[kept]]])
    table = pd.DataFrame({"parameters": sizes + choices.base, "gain": gains})
    ranks = choices.table["rank"].to_numpy()
    return table.assign(**{name: ranks[chosen[:, i]] for i, name in enumerate(choices.experts)})


def within(front: pd.DataFrame, budget: int, choices: Choices) -> dict[str, str]:
    """Return the ranks with the highest sum of gains within a budget.

    Raises:
        FlexmoreError: the smallest mixture is larger than the budget.
    """
    affordable = front[front["parameters"] <= budget]
    if affordable.empty:
        least = int(front["parameters"].min())
        raise FlexmoreError(
            f"budget {budget:,}: the smallest mixture of these experts has {least:,} parameters; allow at least that"
        )
    row = affordable.iloc[-1]
    return {name: str(row[name]) for name in choices.experts}
