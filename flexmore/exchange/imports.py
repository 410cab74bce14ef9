"""Import experts of others: a factored checkpoint (the FlexMoRE authors' or ours) or a PEFT LoRA adapter.

Each expert becomes `experts/<name>/` and `factors/<name>/`, all together a recipe `mixtures/<mixture>.json`.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.completeness import check_tensors
from flexmore.checkpoints.family import check_sources, read_sources
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import recipe_from_disk
from flexmore.cluster.owner import read_run, refuse_owned
from flexmore.config.experts import check_expert_name
from flexmore.config.mixtures import Rank
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.choices import ImportChoice, RouterChoice
from flexmore.exchange.expert_folder import ImportedExpert, write_expert
from flexmore.exchange.lora import LoraAdapter
from flexmore.exchange.lora_settings import CONFIG
from flexmore.exchange.public_model import public_model
from flexmore.exchange.router_rows import router_rows
from flexmore.files import remove, write_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.naming import joint_name, pair_name


def import_checkpoint(
    source: Path,
    root: Path,
    names: Sequence[str],
    choice: ImportChoice | None = None,
) -> Path:
    """Import a factored checkpoint, or a LoRA adapter of the public model, as experts of the family in `root`.

    All experts are built beside their places and take them together: an import that fails leaves `root` as it was.

    Args:
        names: of its experts, in their order.

    Returns:
        The path of the recipe.

    Raises:
        FlexmoreError: something is missing or does not fit together, a name is none that an expert can have, an
            expert of that name is there already, or a run that is alive may be reading it; the message says which.
    """
    paths, choice = StudyPaths(root), choice or ImportChoice()
    for name in names:
        check_expert_name(name)
    checkpoint = None
    if not (source / CONFIG).is_file():
        check_tensors(checkpoint := Checkpoint(source))
    _check_names(source, names, 1 if checkpoint is None else checkpoint.experts - 1)
    active = choice.active or (2 if checkpoint is None else checkpoint.config.get("num_experts_per_tok"))
    if not isinstance(active, int) or not 1 <= active <= len(names) + 1:
        raise FlexmoreError(
            f"{source}: {active} active experts; allowed are 1 to {len(names) + 1}, which --active says"
        )
    if choice.replace and (run := read_run(root)):
        refuse_owned(root, run)
    for place in (place for name in names for place in (paths.expert(name), paths.factors(name))):
        _check_free(place, source, choice.replace)
    with ExitStack() as building:
        building.enter_context(public_model(paths, choice.public, checkpoint))
        if checkpoint is None:
            experts = [_from_adapter(paths, source, choice.router)]
        else:
            experts = [_from_checkpoint(checkpoint, slot) for slot in range(1, checkpoint.experts)]
        sources = read_sources(paths)
        ranks = []
        for name, expert in zip(names, experts, strict=True):
            rank, sources[name] = write_expert(paths, name, expert, source, building)
            ranks.append(rank)
        check_sources(paths, sources)
        mixture = _mixture(names, ranks, active)
        recipe = paths.recipe(mixture.name)
        _check_free(recipe, source, choice.replace)
    for name, rank in zip(names, ranks, strict=True):
        if rank == "full":  # of an adapter that was replaced
            remove(paths.factors(name), inside=paths.factors(name).parent)
    write_json(recipe, recipe_from_disk(paths, mixture, None).to_json(paths.root.name))
    return recipe


def _check_names(source: Path, names: Sequence[str], experts: int) -> None:
    """Check that there is a name for each expert of a checkpoint."""
    if len(names) != experts or len(set(names)) != experts:
        raise FlexmoreError(
            f"{source}: {experts} experts and the names {list(names)}; expected a different name for each"
        )


def _check_free(place: Path, source: Path, replace: bool) -> None:
    """Check that something may be written to a place, and that nothing is read from there."""
    if os.path.lexists(place) and not replace:
        raise FlexmoreError(f"{place}: exists already; choose another name, or say --replace; nothing was changed")
    if place.resolve() in (source.resolve(), *source.resolve().parents):
        raise FlexmoreError(f"{source}: lies in {place}, which would be replaced; import it under another name")


def _mixture(names: Sequence[str], ranks: Sequence[Rank], active: int) -> Mixture:
    """Return the imported mixture: `math-r16`, `joint-a4-r16`, or `joint-a4-own` where ranks differ."""
    condition = str(ranks[0]) if len(set(ranks)) == 1 else "own"
    if len(names) == 1:
        return Mixture(pair_name(names[0], condition), "pair", tuple(names), tuple(ranks), active, condition)
    return Mixture(joint_name(active, condition), "joint", tuple(names), tuple(ranks), active, condition)


def _from_checkpoint(checkpoint: Checkpoint, slot: int) -> ImportedExpert:
    """Return one expert of a factored checkpoint."""
    rows = torch.stack([checkpoint.router(layer)[[0, slot]] for layer in range(checkpoint.sizes.layers)])

    def factors(layer: int, projection: str) -> tuple[Tensor, Tensor]:
        return checkpoint.expert_factors(layer, slot, projection)

    def weight(layer: int, projection: str) -> Tensor:
        return checkpoint.expert_weight(layer, slot, projection)

    if checkpoint.expert_layout(0, slot, PROJECTIONS[0]) == "factored":
        return ImportedExpert(checkpoint, factors, None, rows)
    return ImportedExpert(checkpoint, None, weight, rows)


def _from_adapter(paths: StudyPaths, source: Path, router: RouterChoice) -> ImportedExpert:
    """Return the expert that a LoRA adapter makes of the public model."""
    public = Checkpoint(paths.expert("public"))
    adapter = LoraAdapter(source, public.sizes)
    public_rows = _public_rows(paths, public)
    own = router_rows(router, public.folder, public_rows, public.sizes)
    return ImportedExpert(public, adapter.factors, None, torch.stack([public_rows, own], dim=1))


def _public_rows(paths: StudyPaths, public: Checkpoint) -> Tensor:
    """Return public's router rows [layers, hidden]: those of the family's experts, zero where there are none yet."""
    layers = range(public.sizes.layers)
    for name in read_sources(paths):
        if name != "public":
            expert = Checkpoint(paths.expert(name))
            return torch.stack([expert.router(layer)[0] for layer in layers])
    dtype = public.expert_weight(0, 0, PROJECTIONS[0]).dtype
    return torch.zeros(len(layers), public.sizes.hidden, dtype=dtype)
