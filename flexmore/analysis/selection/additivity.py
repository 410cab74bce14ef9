"""A test of the assumption that the gains of pairs add up in a joint mixture.

It is tested on the joint mixtures of unequal ranks. Where the sum of gains predicts them worse than their number of
parameters alone does, a uniform rank is recommended instead.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from flexmore.analysis.selection.budget import Choices
from flexmore.analysis.statistics.scopes import Array

COLUMNS = [
    "mixture", "active", "rank", "parameters", "sum_of_gains", "joint_gain", "low", "high", "from_sum",
    "from_parameters", "closer",
]  # fmt: skip
SUM, SIZE = "sum of gains", "parameters"


def additivity(gains: pd.DataFrame, choices: Choices, selected: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Compare the gain of every joint mixture with the sum of its pairs' gains.

    Args:
        gains: as `gains.gains` returns them.
        choices: the gains and sizes of the pairs.
        selected: rule -> expert -> rank, for the joint mixtures whose ranks a rule chose.

    Returns:
        Columns `COLUMNS`: the sum of pair gains; the joint gain with its interval; for mixtures of unequal ranks the
        gain of a uniform mixture with as many active experts, interpolated at the same sum of gains (`from_sum`) and
        at the same number of parameters (`from_parameters`); and which of the two is closer.
    """
    joint = gains[(gains["scope"] == "average") & (gains["kind"] == "joint")]
    uniform, rows = choices.uniform(), []
    for row in joint.to_dict("records"):
        ranks = uniform.get(row["rank"]) or selected.get(row["rank"])
        if ranks is None:  # a saturated duplicate, or a selection that is none of these rules
            continue
        about = {key: row[key] for key in ("mixture", "active", "rank", "parameters", "low", "high")}
        rows.append(about | {"joint_gain": row["gain"], "sum_of_gains": choices.gain(ranks), "closer": ""})
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    for active in table["active"].unique():
        known = table[(table["active"] == active) & table["rank"].str.isdigit()]
        if len(known) < 2:
            continue
        unequal = (table["active"] == active) & ~table["rank"].str.isdigit() & (table["rank"] != "full")
        by_sum, by_size = (
            _interpolated(known[key], known["joint_gain"], table.loc[unequal, key])
            for key in ("sum_of_gains", "parameters")
        )
        gain = table.loc[unequal, "joint_gain"].to_numpy()
        table.loc[unequal, "from_sum"], table.loc[unequal, "from_parameters"] = by_sum, by_size
        table.loc[unequal, "closer"] = np.where(np.abs(gain - by_sum) < np.abs(gain - by_size), SUM, SIZE)
    return table


def adds_up(table: pd.DataFrame) -> tuple[float, float] | None:
    """Return the mean absolute errors on mixtures of unequal ranks: from the sum of gains, from the parameters.

    None where no such mixture was evaluated.
    """
    tested = table[table["closer"] != ""]
    if tested.empty:
        return None
    errors = [float((tested[column] - tested["joint_gain"]).abs().mean()) for column in ("from_sum", "from_parameters")]
    return errors[0], errors[1]


def _interpolated(x: pd.Series, y: pd.Series, at: pd.Series) -> Array:
    """Interpolate y linearly at `at`."""
    order = np.argsort(x.to_numpy(), kind="stable")
    found: Array = np.interp(at.to_numpy(dtype=np.float64), x.to_numpy(dtype=np.float64)[order], y.to_numpy()[order])
    return found
