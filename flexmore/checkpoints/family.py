"""What acquired experts say of themselves in `source.json`, and whether they and their factors belong together.

Needs no torch.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.paths import StudyPaths
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import read_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe, make_recipe


def read_source(paths: StudyPaths, name: str) -> dict[str, Any]:
    """The `source.json` of an acquired expert."""
    content: dict[str, Any] = read_json(paths.expert(name) / "source.json")
    return content


def recipe_from_disk(paths: StudyPaths, mixture: Mixture, seed: int | None) -> Recipe:
    """The recipe of a mixture of the checkpoints and factors that lie in `paths` now.

    Raises:
        FlexmoreError: an expert was acquired again after it was factorized; a rank is not in its store.
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
    """Refuse a recipe that was made from other weights than those in `paths`, which its fingerprint would not name.

    Raises:
        FlexmoreError: it says what to run.
    """
    if recipe_from_disk(paths, recipe.mixture, recipe.seed).fingerprint != recipe.fingerprint:
        raise FlexmoreError(
            f"{paths.recipe(recipe.mixture.name)}: made from other weights than those in {paths.root} now; "
            "run `flexmore compose`"
        )


def check_family(paths: StudyPaths, names: Iterable[str]) -> None:
    """Refuse experts that were not branched from one public model.

    Raises:
        CheckpointError: names the first tensor, or the first key of config.json, that differs, and the checkpoints.
    """
    check_sources(paths, {name: read_source(paths, name) for name in names})


def check_sources(paths: StudyPaths, sources: Mapping[str, Mapping[str, Any]]) -> None:
    """As `check_family`, of what `source.json` holds or will hold."""
    check_shared({name: source["public_tensors"] for name, source in sources.items()})
    expected = sources["public"]["public_config"]
    for name, source in sources.items():
        for key, value in source["public_config"].items():
            if value != expected[key]:
                raise CheckpointError(
                    f"{paths.expert(name)}: {key} is {value}, the public model's is {expected[key]}; "
                    "expected an expert that was branched from it"
                )


def check_shared(sources: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse experts that do not share one public model, bit by bit.

    Args:
        sources: for `public` and each expert the digests of its `public_tensors`.

    Raises:
        CheckpointError: names the first tensor that differs, or is missing, and the two checkpoints.
    """
    first = next((name for name in sources if name != "public"), "public")
    for other, tensors in sources.items():
        names = set(sources[first]) | set(tensors)
        if other == "public":  # a dense model has no router
            names = {name for name in names if not name.endswith("[0]")}
        for name in sorted(names):
            if tensors.get(name) != sources[first].get(name):
                raise CheckpointError(
                    f"experts {first} and {other} were not branched from the same public model: {name} differs "
                    "between them; expected the same bits in backbone, public expert and router row 0"
                )
