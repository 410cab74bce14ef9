"""Import experts of others: a factored checkpoint (the FlexMoRE authors' or ours) or a PEFT LoRA adapter.

Each expert becomes `experts/<name>/` and `factors/<name>/`, all together a recipe `mixtures/<mixture>.json`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from flexmore.architectures.configs import dense_config
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.family import check_family
from flexmore.checkpoints.folder import copy_tokenizer, link_files
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import recipe_from_disk
from flexmore.checkpoints.writer import SHARD_BYTES, write_sharded
from flexmore.config.mixtures import Rank
from flexmore.config.paths import StudyPaths
from flexmore.errors import FlexmoreError
from flexmore.exchange.choices import RouterChoice
from flexmore.exchange.expert_folder import ImportedExpert, write_expert
from flexmore.exchange.formats import plan_copy, plan_public
from flexmore.exchange.lora import CONFIG, LoraAdapter
from flexmore.exchange.router_rows import router_rows
from flexmore.experts.describe import describe
from flexmore.files import write_json
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.naming import joint_name, pair_name


def import_checkpoint(
    source: Path,
    root: Path,
    names: Sequence[str],
    *,
    public: Path | None = None,
    active: int | None = None,
    router: RouterChoice | None = None,
) -> Path:
    """Import a factored checkpoint, or a LoRA adapter of the public model, as experts of the family in `root`.

    Args:
        names: of its experts, in their order.
        public: the dense public model; None: the one in `root`, else expert 0 of the checkpoint, written out.
        active: experts per token of the recipe; None: the checkpoint's, for an adapter 2.
        router: of an adapter: where its router row comes from.

    Returns:
        The path of the recipe.

    Raises:
        FlexmoreError: something is missing or does not fit together; the message names it.
    """
    paths = StudyPaths(root)
    checkpoint = None if (source / CONFIG).is_file() else Checkpoint(source)
    _provide_public(paths, public, checkpoint)
    if checkpoint is None:
        experts = [_from_adapter(paths, source, router or RouterChoice())]
        active = active or 2
    else:
        experts = [_from_checkpoint(checkpoint, slot) for slot in range(1, checkpoint.experts)]
        active = active or int(checkpoint.config["num_experts_per_tok"])
    if len(names) != len(experts) or len(set(names)) != len(names) or {"public", "joint"} & set(names):
        raise FlexmoreError(
            f"{source}: {len(experts)} experts and the names {list(names)}; expected a different name for each, "
            "not public or joint"
        )
    if not 1 <= active <= len(names) + 1:
        raise FlexmoreError(f"{active} active experts; allowed are 1 to {len(names) + 1}")
    ranks = [write_expert(paths, name, expert, source) for name, expert in zip(names, experts, strict=True)]
    check_family(paths, ("public", *names))
    mixture = _mixture(names, ranks, active)
    recipe = paths.recipe(mixture.name)
    write_json(recipe, recipe_from_disk(paths, mixture, None).to_json(paths.root.name))
    return recipe


def _mixture(names: Sequence[str], ranks: Sequence[Rank], active: int) -> Mixture:
    """Return the imported mixture: `math-r16`, `joint-a4-r16`, or `joint-a4-own` where ranks differ."""
    condition = str(ranks[0]) if len(set(ranks)) == 1 else "own"
    if len(names) == 1:
        return Mixture(pair_name(names[0], condition), "pair", tuple(names), tuple(ranks), active, condition)
    return Mixture(joint_name(active, condition), "joint", tuple(names), tuple(ranks), active, condition)


def _provide_public(paths: StudyPaths, given: Path | None, checkpoint: Checkpoint | None) -> None:
    """Make sure that `experts/public/` exists: as it is, linked, or written from expert 0 of a checkpoint."""
    folder = paths.expert("public")
    if (folder / "source.json").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if given is not None:
        names = (path.name for path in given.iterdir() if path.is_file() and path.name != "source.json")
        link_files(given, folder, sorted(names))
    elif checkpoint is not None:
        planned = [plan_copy(checkpoint, name) for name in checkpoint.backbone_names]
        for layer in range(checkpoint.sizes.layers):
            for projection in PROJECTIONS:
                name = checkpoint.names.weight(layer, projection)
                planned.append(plan_public(checkpoint, layer, projection, name))
        write_sharded(folder, planned, SHARD_BYTES)
        write_json(folder / "config.json", dense_config(checkpoint.config))
        copy_tokenizer(checkpoint.folder, folder)
    else:
        raise FlexmoreError(f"{folder}: no public model yet; name it with --public FOLDER")
    made = {"expert": "public", "source": "import", "path": str((given or folder).resolve())}
    write_json(folder / "source.json", {**made, **describe(folder, "public")})


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
    for path in sorted(paths.expert("public").parent.glob("*/source.json")):
        if path.parent.name != "public":
            expert = Checkpoint(path.parent)
            return torch.stack([expert.router(layer)[0] for layer in layers])
    dtype = public.expert_weight(0, 0, PROJECTIONS[0]).dtype
    return torch.zeros(len(layers), public.sizes.hidden, dtype=dtype)
