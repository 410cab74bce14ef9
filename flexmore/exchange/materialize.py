"""A recipe's weights, written out: the only place where a mixture becomes a checkpoint of its own."""

from collections.abc import Sequence
from pathlib import Path

from flexmore.checkpoints.family import read_source
from flexmore.checkpoints.folder import GENERATION, copy_tokenizer
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import check_recipe
from flexmore.checkpoints.writer import write_file, write_sharded
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.card import card
from flexmore.exchange.choices import Base, Format
from flexmore.exchange.formats import adapter_config, plan_adapter, plan_mixture, recipe_config
from flexmore.factors.store import FactorStore
from flexmore.files import atomic_folder, sha256_of, write_json, write_text
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import ExpertWeights


def materialize(
    recipe: Recipe,
    paths: StudyPaths,
    out: Path,
    *,
    form: Format = "flexolmo",
    base: Base = "olmo2",
    shard_bytes: int = 5_000_000_000,
) -> None:
    """Write a mixture's weights, with configuration, tokenizer, card and hashes, a tensor at a time.

    Args:
        out: a folder that does not exist yet.
        form: dense `flexolmo`, factored `flexmore`, or `peft`: a pair's expert alone, as a LoRA.
        base: with `peft`, the layout of the public model that it goes on.

    Raises:
        FlexmoreError: `out` exists; the recipe was made from other weights than those in `paths`, or cannot be
            written in this form; the disk is full.
    """
    if out.exists():
        raise FlexmoreError(f"{out}: exists already; name a new folder or remove it first")
    _check_form(recipe, form)
    check_recipe(paths, recipe)
    experts = [
        ExpertWeights(name, Checkpoint(paths.expert(name)), _store(paths, name), recipe.seed or 0)
        for name in recipe.mixture.experts
    ]
    base_model = str(read_source(paths, "public").get("path") or paths.expert("public"))
    with atomic_folder(out) as temporary:
        hashes = _write(temporary, recipe, paths, experts, form, base, shard_bytes, base_model)
        beside = experts[0].checkpoint.folder if experts else paths.expert("public")
        copy_tokenizer(beside, temporary, () if form == "peft" else (GENERATION,))
        text = card(recipe, paths, form=form, folder=out.name, base=base, base_model=base_model)
        write_text(temporary / "README.md", text)
        for path in sorted(temporary.iterdir()):
            hashes.setdefault(path.name, sha256_of(path))
        content = {**recipe.to_json(paths.root.name), "format": form, "sha256": dict(sorted(hashes.items()))}
        write_json(temporary / "flexmore.json", content)


def _check_form(recipe: Recipe, form: Format) -> None:
    """Refuse what a form cannot say."""
    mixture, ranks = recipe.mixture, recipe.effective_ranks
    if mixture.kind == "control" and form != "flexolmo":
        raise FlexmoreError(f"{mixture.name}: a control's random delta has no factors; use --format flexolmo")
    if form == "flexmore" and not mixture.experts:
        raise FlexmoreError(f"{mixture.name}: the public model has no experts to factor; use --format flexolmo")
    if form != "peft":
        return
    if len(mixture.experts) != 1:
        raise FlexmoreError(
            f"{mixture.name}: {len(mixture.experts)} experts; an adapter is one expert's: name a pair's recipe"
        )
    if ranks[0] in ("full", 0):
        raise FlexmoreError(f"{mixture.name}: rank {ranks[0]} is no adapter; name a pair with a rank, such as r16")


def _write(
    folder: Path,
    recipe: Recipe,
    paths: StudyPaths,
    experts: Sequence[ExpertWeights],
    form: Format,
    base: Base,
    shard_bytes: int,
    base_model: str,
) -> dict[str, str]:
    """Weights and configuration; returns the hashes of the files of weights."""
    if form == "peft":
        rank = recipe.effective_ranks[0]
        assert isinstance(rank, int)  # _check_form has seen to it
        write_json(folder / "adapter_config.json", adapter_config(rank, base_model))
        file = "adapter_model.safetensors"
        return {file: write_file(folder / file, plan_adapter(experts[0], rank, base), {"format": "pt"})}
    factored = form == "flexmore"
    first = experts[0].checkpoint if experts else Checkpoint(paths.expert("public"))
    write_json(folder / "config.json", recipe_config(first.config, recipe, factored))
    return write_sharded(folder, plan_mixture(recipe, first, experts, factored), shard_bytes)


def _store(paths: StudyPaths, expert: str) -> FactorStore | None:
    folder = paths.factors(expert)
    return FactorStore(folder) if (folder / "index.json").is_file() else None
