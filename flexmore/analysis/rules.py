"""Rules that give each expert its own rank. Another rule is a function here and an entry in `RULES`.

Imports nothing heavy: the configuration is checked against these names before any job starts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def best(found: "pd.DataFrame") -> dict[str, int]:
    """The rank with the highest average; ties go to the smallest effective rank."""
    return _ranks(_top(found))


def best2(found: "pd.DataFrame") -> dict[str, int]:
    """The smallest rank whose average is within one standard error (of best's average) of best's."""
    top = _top(found).set_index("expert")
    least = top["average"] - top["stderr"].fillna(0.0)
    near = found[found["average"] >= found["expert"].map(least)]
    return _ranks(near.sort_values(["expert", "effective_rank"], kind="stable").drop_duplicates("expert"))


def _top(found: "pd.DataFrame") -> "pd.DataFrame":
    """The best row of each expert."""
    down = found.sort_values(["expert", "average", "effective_rank"], ascending=[True, False, True], kind="stable")
    return down.drop_duplicates("expert")


def _ranks(rows: "pd.DataFrame") -> dict[str, int]:
    return {str(expert): int(rank) for expert, rank in zip(rows["expert"], rows["rank"], strict=True)}


Rule = Callable[["pd.DataFrame"], dict[str, int]]
"""Takes `selections.candidates`, returns expert -> rank."""

RULES: dict[str, Rule] = {"best": best, "best2": best2}
"""By the name that `joint.selections` in the configuration uses."""
