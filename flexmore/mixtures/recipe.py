"""Recipes: mixtures with everything decided, and what names their weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.mixtures import Rank
from flexmore.errors import FlexmoreError
from flexmore.files import fingerprint, read_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.parameters import count_parameters, effective_rank
from flexmore.revisions import RECIPES_REVISION


@dataclass(frozen=True)
class Recipe:
    """A mixture with everything decided: the effective ranks, the parameters, the fingerprint of its weights.

    Attributes:
        seed: of a control's random deltas; None for all others.
    """

    mixture: Mixture
    effective_ranks: tuple[Rank, ...]
    parameters: Mapping[str, Any]
    fingerprint: str
    seed: int | None = None

    def to_json(self, family: str) -> dict[str, Any]:
        """The content of `mixtures/<name>.json`."""
        return {
            "family": family,
            **asdict(self.mixture),
            "effective_ranks": list(self.effective_ranks),
            "parameters": dict(self.parameters),
            "fingerprint": self.fingerprint,
            "seed": self.seed,
        }

    @classmethod
    def read(cls, path: Path) -> "Recipe":
        """Read `mixtures/<name>.json`.

        Raises:
            FlexmoreError: the file is missing, is not JSON or is not a recipe.
        """
        content = read_json(path)
        try:
            mixture = Mixture(
                name=content["name"],
                kind=content["kind"],
                experts=tuple(content["experts"]),
                ranks=tuple(content["ranks"]),
                active=content["active"],
                rank=content["rank"],
            )
            ranks = tuple(content["effective_ranks"])
            return cls(mixture, ranks, content["parameters"], content["fingerprint"], content["seed"])
        except (KeyError, TypeError) as error:
            raise FlexmoreError(f"{path}: not a recipe ({error!r}); make it again with `flexmore compose`") from None


def make_recipe(
    mixture: Mixture,
    sizes: ModelSizes,
    sources: Mapping[str, str],
    factors: Mapping[str, str],
    seed: int | None = None,
    stored: Mapping[str, int] | None = None,
) -> Recipe:
    """Turn a mixture whose ranks are known into its recipe.

    Args:
        sources: fingerprint of each expert's checkpoint, `public` included.
        factors: fingerprint of each expert's factors.
        seed: of a control's random deltas.
        stored: how many components each expert's store holds, where `factors.max_rank` may have cut it; an adapter that
            saturates is then the expert's own weights.

    Raises:
        FlexmoreError: not one rank for each expert; a rank that a store was cut below.
    """
    if len(mixture.ranks) != len(mixture.experts):
        raise FlexmoreError(
            f"{mixture.name}: {len(mixture.experts)} experts and {len(mixture.ranks)} ranks; expected one each"
        )
    held = dict.fromkeys(mixture.experts, sizes.saturation) | dict(stored or {})
    pairs = zip(mixture.experts, mixture.ranks, strict=True)
    ranks = tuple(available_rank(mixture, name, rank, held[name], sizes) for name, rank in pairs)
    parts: list[Any] = []
    for name, rank in zip(mixture.experts, ranks, strict=True):
        part: dict[str, Any] = {"expert": sources[name], "rank": rank}
        if rank not in ("full", 0):
            part["factors"] = factors[name]
        if mixture.kind == "control":
            part["control"] = [mixture.rank, seed]
        parts.append(part)
    weights = {"public": sources["public"], "experts": parts, "active": mixture.active, "revision": RECIPES_REVISION}
    counted = count_parameters(sizes, dict(zip(mixture.experts, mixture.ranks, strict=True)), mixture.active)
    return Recipe(mixture, ranks, counted, fingerprint(weights), seed)


def available_rank(mixture: Mixture, name: str, rank: Rank, held: int, sizes: ModelSizes) -> Rank:
    """The effective rank that an expert's store of `held` components can give.

    Raises:
        FlexmoreError: a rank that the store was cut below.
    """
    rank = effective_rank(rank, sizes)
    if rank == "full" or rank <= held:
        return rank
    if rank == sizes.saturation and mixture.kind != "control":
        return "full"
    raise FlexmoreError(
        f"{mixture.name}: rank {rank} of {name}, whose store holds {held}; expected at most that or a rank that "
        f"saturates ({sizes.saturation}); raise factors.max_rank and factorize again"
    )
