"""Recipes of the checkpoints and factors that lie on this disk now; needs no torch."""

from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.family import read_source
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.files import read_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe, make_recipe


def recipe_from_disk(paths: StudyPaths, mixture: Mixture, seed: int | None) -> Recipe:
    """Return the recipe of a mixture, made from the checkpoints and factors that lie in `paths` now.

    Raises:
        FlexmoreError: an expert was acquired again after it was factorized, or its store lacks the rank.
    """
    sources = {name: read_source(paths, name) for name in ("public", *mixture.experts)}
    factors, stored = {}, {}
    for name, rank in zip(mixture.experts, mixture.ranks, strict=True):
        path = paths.factors(name) / "index.json"
        if rank in ("full", 0) and not path.is_file():
            continue
        index = read_json(path)
        if index["source"] != sources[name]["fingerprint"]:
            raise FlexmoreError(
                f"{paths.factors(name)}: made from another checkpoint than {paths.expert(name)}; "
                f"run `flexmore factorize {name}`"
            )
        factors[name], stored[name] = index["fingerprint"], index["rank"]
    prints = {name: source["fingerprint"] for name, source in sources.items()}
    return make_recipe(mixture, ModelSizes(**sources["public"]["sizes"]), prints, factors, seed, stored)


def check_recipe(paths: StudyPaths, recipe: Recipe) -> None:
    """Check that a recipe was made from the weights that lie in `paths` now.

    Raises:
        FlexmoreError: it was not; scores would be filed under a fingerprint that is not that of the weights.
    """
    if recipe_from_disk(paths, recipe.mixture, recipe.seed).fingerprint != recipe.fingerprint:
        raise FlexmoreError(
            f"{paths.recipe(recipe.mixture.name)}: made from other weights than those in {paths.root} now; "
            "run `flexmore compose`"
        )
