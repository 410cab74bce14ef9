"""What a user chooses of an export or an import: the format, the base of an adapter, the router row."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Format = Literal["flexolmo", "flexmore", "peft"]
Base = Literal["dense", "flexolmo"]
"""Layout of the public model that a `peft` adapter is for: dense, or a FlexOlmo of one expert."""
RouterSource = Literal["zero", "file", "fit"]


@dataclass(frozen=True)
class RouterChoice:
    """Hold where the router row of an imported adapter comes from.

    Attributes:
        source: `zero`: public's logit, so that both experts have the same weight; `file`: read; `fit`: fitted to text.
        path: of `file`: safetensors with `router` [layers, hidden]; of `fit`: a text of the expert's domain.
        against: of `fit`: other text; None: random tokens, from which any text differs.
        target: of `fit`: the expert's logit above public's on its domain, and below it elsewhere.
        ridge: of `fit`: penalty relative to the inputs' mean square.
        tokens: of `fit`: the most tokens taken of each text.
    """

    source: RouterSource = "zero"
    path: Path | None = None
    against: Path | None = None
    target: float = 4.0
    ridge: float = 1e-3
    tokens: int = 16_384


@dataclass(frozen=True)
class ImportChoice:
    """Hold how experts of others become experts of a family.

    Attributes:
        public: the dense public model; None: the family's, else expert 0 of the checkpoint.
        active: experts per token of the recipe; None: the checkpoint's, for an adapter 2.
        router: of an adapter: where its router row comes from.
        replace: whether experts of the same names, and their recipe, may be replaced.
    """

    public: Path | None = None
    active: int | None = None
    router: RouterChoice = RouterChoice()
    replace: bool = False
