"""Recipes: mixtures with everything decided, and the fingerprints of their weights."""

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
    """Hold a mixture with everything decided.

    Attributes:
        effective_ranks: one for each expert: what its adapter really has.
        parameters: as `count_parameters` returns them.
        fingerprint: of the mixture's weights; names its scores in the cache.
        seed: of a control's random deltas; None for all other kinds.
    """

    mixture: Mixture
    effective_ranks: tuple[Rank, ...]
    parameters: Mapping[str, Any]
    fingerprint: str
    seed: int | None = None

    def to_json(self, family: str) -> dict[str, Any]:
        """Return the content of `mixtures/<name>.json`."""
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
            FlexmoreError: the file is missing, is no JSON or no recipe.
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
    """Return the recipe of a mixture whose ranks are known.

    Args:
        sources: the fingerprint of each expert's checkpoint, `public` included.
        factors: the fingerprint of each expert's factors.
        seed: of a control's random deltas.
        stored: how many components each expert's store holds; without an entry, all.

    Raises:
        FlexmoreError: the mixture has not one rank for each expert, or a store holds too few components for a rank.
    """
    if len(mixture.ranks) != len(mixture.experts):
        raise FlexmoreError(
            f"{mixture.name}: {len(mixture.experts)} experts and {len(mixture.ranks)} ranks; expected one each"
        )
    held = dict.fromkeys(mixture.experts, sizes.saturation) | dict(stored or {})
    pairs = zip(mixture.experts, mixture.ranks, strict=True)
    ranks = tuple(available_rank(mixture, name, rank, held[name], sizes) for name, rank in pairs)
    experts: list[Any] = []
    for name, rank in zip(mixture.experts, ranks, strict=True):
        entry: dict[str, Any] = {"expert": sources[name], "rank": rank}
        if rank not in ("full", 0):
            entry["factors"] = factors[name]
        if mixture.kind == "control":
            entry["control"] = [mixture.rank, seed]
        experts.append(entry)
    weights = {"public": sources["public"], "experts": experts, "active": mixture.active, "revision": RECIPES_REVISION}
    counted = count_parameters(sizes, dict(zip(mixture.experts, mixture.ranks, strict=True)), mixture.active)
    return Recipe(mixture, ranks, counted, fingerprint(weights), seed)


def available_rank(mixture: Mixture, name: str, rank: Rank, held: int, sizes: ModelSizes) -> Rank:
    """Return the effective rank of an expert whose store holds `held` components.

    Where `factors.max_rank` cut the store, an adapter that saturates becomes the expert's own weights (`full`).

    Raises:
        FlexmoreError: the store holds too few components for the rank.
    """
    rank = effective_rank(rank, sizes)
    if rank == "full" or rank <= held:
        return rank
    if rank == sizes.saturation and mixture.kind != "control":
        return "full"
    raise FlexmoreError(
        f"{mixture.name}: rank {rank} of {name}, whose store holds {held} components; expected at most that "
        f"many, or a rank that saturates ({sizes.saturation}); raise factors.max_rank and factorize again"
    )
