"""Materialize a recipe: write a mixture's weights as a checkpoint of its own, the only place that does."""

import os
from collections.abc import Sequence
from pathlib import Path

from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.folder import GENERATION, copy_tokenizer
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import check_recipe
from flexmore.checkpoints.writer import SHARD_BYTES, write_file, write_sharded
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.card import make_card
from flexmore.exchange.choices import Base, Format
from flexmore.exchange.formats import adapter_config, plan_adapter, plan_mixture, recipe_config
from flexmore.exchange.lora import WEIGHTS
from flexmore.exchange.lora_settings import CONFIG
from flexmore.factors.store import FactorStore
from flexmore.files import atomic_folder, sha256_of, write_json, write_text
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import ExpertWeights


def materialize(
    recipe: Recipe,
    paths: StudyPaths,
    out: Path,
    *,
    format: Format = "flexolmo",
    base: Base = "dense",
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write a mixture's weights, with configuration, tokenizer, card and hashes, one tensor at a time.

    Args:
        out: a folder that does not exist yet.
        format: `flexolmo` (dense), `flexmore` (factored), or `peft` (a pair's expert alone, as a LoRA adapter).
        base: with `peft`, the layout of the public model that the adapter is for.
        shard_bytes: the most that a file of weights holds, where a tensor allows it.

    Raises:
        FlexmoreError: `out` exists; the recipe was made from other weights than those in `paths`, or cannot be
            written in this format; the disk is full.
    """
    if os.path.lexists(out) or out.resolve().exists():  # `new/..` means this folder
        raise FlexmoreError(f"{out}: exists already; name a new folder or remove it first")
    _check_format(recipe, format)
    check_recipe(paths, recipe)
    experts = [
        ExpertWeights(name, Checkpoint(paths.expert(name)), _store(paths, name), recipe.seed or 0)
        for name in recipe.mixture.experts
    ]
    first = experts[0].checkpoint if experts else Checkpoint(paths.expert("public"))
    base_model = str(read_source(paths, "public").get("path") or paths.expert("public"))
    with atomic_folder(out.resolve(), out.resolve().parent, replace=False) as temporary:
        if format == "peft":
            hashes = _write_adapter(temporary, recipe, experts[0], base, base_model)
        else:
            hashes = _write_mixture(temporary, recipe, first, experts, format == "flexmore", shard_bytes)
        copy_tokenizer(first.folder, temporary, () if format == "peft" else (GENERATION,))
        text = make_card(recipe, paths, format=format, folder=out.name, base=base, base_model=base_model)
        write_text(temporary / "README.md", text)
        for path in sorted(temporary.iterdir()):
            hashes.setdefault(path.name, sha256_of(path))
        content = {**recipe.to_json(paths.root.name), "format": format, "sha256": dict(sorted(hashes.items()))}
        write_json(temporary / "flexmore.json", content)


def _check_format(recipe: Recipe, format: Format) -> None:
    """Check that a format can hold a recipe's mixture."""
    mixture, ranks = recipe.mixture, recipe.effective_ranks
    if mixture.kind == "control" and format != "flexolmo":
        raise FlexmoreError(f"{mixture.name}: a control's random delta has no factors; use --format flexolmo")
    if format == "flexmore" and not mixture.experts:
        raise FlexmoreError(f"{mixture.name}: the public model has no experts to factor; use --format flexolmo")
    if format != "peft":
        return
    if len(mixture.experts) != 1:
        raise FlexmoreError(
            f"{mixture.name}: {len(mixture.experts)} experts; an adapter is one expert's: name a pair's recipe"
        )
    if ranks[0] in ("full", 0):
        raise FlexmoreError(f"{mixture.name}: rank {ranks[0]} is no adapter; name a pair with a rank, such as r16")


def _write_adapter(folder: Path, recipe: Recipe, expert: ExpertWeights, base: Base, base_model: str) -> dict[str, str]:
    """Write a pair's expert as a LoRA adapter; return the SHA-256 of the file of weights, by name."""
    rank = recipe.effective_ranks[0]
    assert isinstance(rank, int)  # _check_format refuses others
    write_json(folder / CONFIG, adapter_config(rank, base_model))
    return {WEIGHTS: write_file(folder / WEIGHTS, plan_adapter(expert, rank, base), {"format": "pt"})}


def _write_mixture(
    folder: Path,
    recipe: Recipe,
    first: Checkpoint,
    experts: Sequence[ExpertWeights],
    factored: bool,
    shard_bytes: int,
) -> dict[str, str]:
    """Write a mixture's configuration and weights; return the SHA-256 of each file of weights, by name."""
    write_json(folder / "config.json", recipe_config(first.config, recipe, factored))
    return write_sharded(folder, plan_mixture(recipe, first, experts, factored), shard_bytes)


def _store(paths: StudyPaths, expert: str) -> FactorStore | None:
    """Return an expert's factor store; None where it has not been factorized."""
    folder = paths.factors(expert)
    return FactorStore(folder) if (folder / "index.json").is_file() else None
