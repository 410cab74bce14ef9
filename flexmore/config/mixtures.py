"""`ranks` and the sections `pairs` and `joint`: which mixtures a study has."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt

from flexmore.config.base import Settings
from flexmore.config.names import MAX_RANK, SCORE_RULES, SPECTRUM_RULES

Rank = int | Literal["full"]
"""How many leading components an adapter keeps; `full` is the expert's own weights, without an adapter."""


def _rank(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "full" or (whole and 1 <= value <= MAX_RANK):  # type: ignore[operator]
        return value
    raise ValueError(f"allowed are whole numbers from 1 to {MAX_RANK} and full")


ConfigRank = Annotated[Rank, BeforeValidator(_rank)]


def on_ladder(rank: Rank) -> bool:
    """Tell whether a rank is a power of two; `full` belongs to the ladder too, but has no number."""
    return rank != "full" and rank & (rank - 1) == 0


class PairSettings(Settings):
    """Hold how pairs are composed: mixtures of public and one expert."""

    active: StrictInt = Field(2, ge=1, le=2, description="number of active experts per token")


class JointSettings(Settings):
    """Hold how joint mixtures are composed: mixtures of public and all experts."""

    active: list[StrictInt] = Field(
        [2, 4, 7], description="numbers of active experts per token; each gives a series of mixtures"
    )
    selections: list[str] = Field(
        ["best", "best2"],
        description=f"rules that choose a rank for each expert: from scores {', '.join(SCORE_RULES)}; "
        f"from spectra {', '.join(SPECTRUM_RULES)}",
    )
