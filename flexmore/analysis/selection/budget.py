"""Which rank to give each expert under a parameter budget: the highest sum of pair gains, found exactly.

That gains of pairs add up in a joint mixture is an assumption. It is tested where joint mixtures of unequal ranks were
measured (`additivity`); where it predicts them worse than their number of parameters alone does, a uniform rank is
recommended instead.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexmore.analysis.statistics.scopes import Array
from flexmore.analysis.tables.ranks import full, numbered
from flexmore.errors import FlexmoreError

FRONT = ["parameters", "gain"]
ADDITIVITY = [
    "mixture", "active", "rank", "parameters", "sum_of_gains", "joint_gain", "low", "high", "from_sum",
    "from_parameters", "closer",
]  # fmt: skip
SUM, SIZE = "sum of gains", "parameters"
_DIGITS = 12


@dataclass(frozen=True)
class Choices:
    """What can be chosen, and what it costs.

    Attributes:
        table: a row per expert and rank of the ladder (or `full`): expert, rank, mixture (the pair), gain (on the
            average, over public), size (parameters of the expert at that rank).
        base: parameters of a joint mixture without its experts.
    """

    table: pd.DataFrame
    base: int

    @property
    def experts(self) -> list[str]:
        """In the order of the table."""
        return [str(name) for name in self.table["expert"].unique()]

    def parameters(self, ranks: Mapping[str, str]) -> int:
        """Of the joint mixture with these ranks."""
        return self.base + int(self._rows(ranks)["size"].sum())

    def gain(self, ranks: Mapping[str, str]) -> float:
        """The sum of pair gains."""
        return round(float(self._rows(ranks)["gain"].sum()), _DIGITS)

    def mixtures(self, ranks: Mapping[str, str]) -> list[str]:
        """The pairs with these ranks."""
        return [str(mixture) for mixture in self._rows(ranks)["mixture"]]

    def uniform(self) -> dict[str, dict[str, str]]:
        """Every rank that all experts have: rank -> ranks."""
        each = [set(own["rank"]) for _, own in self.table.groupby("expert")]
        common = set.intersection(*each) if each else set()
        order = [rank for rank in self.table["rank"].unique() if rank in common]
        return {str(rank): dict.fromkeys(self.experts, str(rank)) for rank in order}

    def _rows(self, ranks: Mapping[str, str]) -> pd.DataFrame:
        return self.table[self.table["rank"] == self.table["expert"].map(ranks)]


def choices_of(gains: pd.DataFrame) -> Choices:
    """What the pairs' gains and the table's parameters say of every expert and rank.

    An adapter's size is what its pair has more than the smallest pair of that expert; a uniform joint mixture says
    what all smallest ones cost together.

    Args:
        gains: of `gains.gains`.

    Raises:
        FlexmoreError: no pairs at ranks of the ladder, or no uniform joint mixture to count parameters from.
    """
    rows = gains[(gains["scope"] == "average") & (gains["kind"] == "pair")]
    table = pd.concat([numbered(rows, kinds=("pair",)), full(rows)])
    if table.empty:
        raise FlexmoreError(
            "a budget is spent on the pairs' ladder ranks, and the table has none; evaluate pairs first"
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
    """The Pareto front: every set of ranks that no set with as few parameters beats in its sum of pair gains.

    Exact: experts are added one at a time to the undominated sets so far (Nemhauser and Ullmann 1969), and a
    dominated set can never become part of an undominated one.

    Returns:
        Columns parameters, gain, and a rank per expert, by rising parameters (and gain).
    """
    sizes, gains = np.zeros(1, dtype=np.int64), np.zeros(1)
    chosen = np.zeros((1, 0), dtype=np.int64)
    for _, own in choices.table.groupby("expert", sort=False):
        size = (sizes[:, None] + own["size"].to_numpy()).ravel()
        gain = np.round((gains[:, None] + own["gain"].to_numpy()).ravel(), _DIGITS)
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
    """The ranks of the highest sum of gains within a budget.

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


def additivity(gains: pd.DataFrame, choices: Choices, selected: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The measured joint mixtures against the sums of their pairs' gains.

    Args:
        gains: of `gains.gains`.
        selected: selection -> expert -> rank, of the joint mixtures that a rule chose the ranks of.

    Returns:
        Columns `ADDITIVITY`: the sum of pair gains; the measured gain with its interval; for mixtures of unequal
        ranks what the uniform ones of as many active experts would predict, by the same sum of gains (`from_sum`) and
        by the same number of parameters (`from_parameters`), interpolated; and which of the two is closer.
    """
    joint = gains[(gains["scope"] == "average") & (gains["kind"] == "joint")]
    uniform, rows = choices.uniform(), []
    for row in joint.to_dict("records"):
        ranks = uniform.get(row["rank"]) or selected.get(row["rank"])
        if ranks is None:  # a saturated duplicate, or a selection that is no rule of ours
            continue
        about = {key: row[key] for key in ("mixture", "active", "rank", "parameters", "low", "high")}
        rows.append(about | {"joint_gain": row["gain"], "sum_of_gains": choices.gain(ranks), "closer": ""})
    table = pd.DataFrame(rows).reindex(columns=ADDITIVITY)
    for active in table["active"].unique():
        known = table[(table["active"] == active) & table["rank"].str.isdigit()]
        if len(known) < 2:
            continue
        unequal = (table["active"] == active) & ~table["rank"].str.isdigit() & (table["rank"] != "full")
        by_sum, by_size = (
            _interpolated(known[key], known["joint_gain"], table.loc[unequal, key])
            for key in ("sum_of_gains", "parameters")
        )
        measured = table.loc[unequal, "joint_gain"].to_numpy()
        table.loc[unequal, "from_sum"], table.loc[unequal, "from_parameters"] = by_sum, by_size
        table.loc[unequal, "closer"] = np.where(np.abs(measured - by_sum) < np.abs(measured - by_size), SUM, SIZE)
    return table


def adds_up(table: pd.DataFrame) -> tuple[float, float] | None:
    """Mean absolute errors on the mixtures of unequal ranks: from the sum of gains, from the number of parameters.
    None where none was measured."""
    tested = table[table["closer"] != ""]
    if tested.empty:
        return None
    errors = [float((tested[column] - tested["joint_gain"]).abs().mean()) for column in ("from_sum", "from_parameters")]
    return errors[0], errors[1]


def _interpolated(x: pd.Series, y: pd.Series, at: pd.Series) -> Array:
    order = np.argsort(x.to_numpy(), kind="stable")
    found: Array = np.interp(at.to_numpy(dtype=np.float64), x.to_numpy(dtype=np.float64)[order], y.to_numpy()[order])
    return found
