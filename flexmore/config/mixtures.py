"""`ranks` and the sections `pairs` and `joint`: which mixtures a study has."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt

from flexmore.config.base import Settings

MAX_RANK = 2**14
"""The ladder's last step."""


Rank = int | Literal["full"]
"""How many leading components an adapter keeps; `full` is no adapter but the expert's own weights."""


def _rank(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value == "full" or (whole and 1 <= value <= MAX_RANK):  # type: ignore[operator]
        return value
    raise ValueError(f"allowed are whole numbers from 1 to {MAX_RANK} and full")


ConfigRank = Annotated[Rank, BeforeValidator(_rank)]


class PairSettings(Settings):
    """The mixtures of two: public and one expert."""

    active: StrictInt = Field(2, ge=1, le=2, description="experts per token")


class JointSettings(Settings):
    """The mixtures of all experts."""

    active: list[StrictInt] = Field([2, 4, 7], description="experts per token, a series of mixtures for each number")
    selections: list[str] = Field(
        ["best", "best2"],
        description="rules that give each expert its own rank: best, best2, r95 from scores; effective, stable, "
        "energy, gavish_donoho, truncated_effective from spectra",
    )
