"""The tensors and the configuration of a mixture in each format that it can be written in.

- `flexolmo`: dense; what transformers and vLLM call FlexOlmo, a tensor for each expert as in the files on the hub.
- `flexmore`: factored; experts as A [r, in] and B [out, r], under the FlexMoRE authors' names.
- `peft`: a pair's expert alone, a LoRA adapter of the public model.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from flexmore.architectures.configs import mixture_config
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.writer import DTYPES, Planned
from flexmore.config.mixtures import Rank
from flexmore.exchange.choices import Base
from flexmore.mixtures.recipe import Recipe
from flexmore.modeling import ExpertWeights


def plan_copy(checkpoint: Checkpoint, name: str) -> Planned:
    """Plan a copy of a checkpoint's tensor under its own name."""
    found = checkpoint.slice_of(name)
    return Planned(name, DTYPES[found.get_dtype()], tuple(found.get_shape()), lambda: checkpoint.tensor(name))


def plan_public(checkpoint: Checkpoint, layer: int, projection: str, name: str) -> Planned:
    """Plan a copy of the public expert's projection under another name."""
    dtype, shape = public_spec(checkpoint, layer, projection)
    return Planned(name, dtype, shape, lambda: checkpoint.expert_weight(layer, 0, projection))


def public_spec(checkpoint: Checkpoint, layer: int, projection: str) -> tuple[torch.dtype, tuple[int, int]]:
    """Return dtype and shape [out, in] of a projection of full size."""
    name = checkpoint.expert_name(layer, 0, projection)
    return DTYPES[checkpoint.slice_of(name).get_dtype()], checkpoint.sizes.shape(projection)


def plan_mixture(recipe: Recipe, first: Checkpoint, experts: Sequence[ExpertWeights], factored: bool) -> list[Planned]:
    """Plan every tensor of a mixture, dense or factored.

    Args:
        first: the checkpoint that gives backbone and public expert.
        experts: one for each of the recipe's; without any, the public model becomes a FlexOlmo of one expert.
    """
    names = first.names
    planned = [plan_copy(first, name) for name in first.backbone_names]
    for layer in range(first.sizes.layers):
        planned.append(_plan_router(first, experts, layer))
        for projection in PROJECTIONS:
            planned.append(plan_public(first, layer, projection, names.weight(layer, projection, 0)))
            for slot, (expert, rank) in enumerate(zip(experts, recipe.effective_ranks, strict=True), start=1):
                if factored and rank != "full":
                    planned += _plan_factors(expert, layer, projection, rank, names.factors(layer, projection, slot))
                else:
                    name = names.weight(layer, projection, slot)
                    planned.append(_plan_weight(recipe, expert, layer, projection, rank, name))
    return planned


def plan_adapter(expert: ExpertWeights, rank: int, base: Base) -> list[Planned]:
    """Plan a pair's expert as LoRA tensors A [r, in] and B [out, r], to be added with scaling 1."""
    names, public = expert.checkpoint.names, None if base == "dense" else 0
    planned: list[Planned] = []
    for layer in range(expert.checkpoint.sizes.layers):
        for projection in PROJECTIONS:
            planned += _plan_factors(expert, layer, projection, rank, names.lora(layer, projection, public))
    return planned


def recipe_config(source: Mapping[str, Any], recipe: Recipe, factored: bool) -> dict[str, Any]:
    """Return the `config.json` of a recipe's mixture, made from that of the public model or an expert."""
    ranks = [None, *(None if rank == "full" else rank for rank in recipe.effective_ranks)]
    return mixture_config(source, len(ranks), recipe.mixture.active, ranks if factored else None)


def adapter_config(rank: int, base_model: str) -> dict[str, Any]:
    """Return PEFT's `adapter_config.json`; alpha equals r, so that merging adds B·A unscaled."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "target_modules": list(PROJECTIONS),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }


def _plan_router(first: Checkpoint, experts: Sequence[ExpertWeights], layer: int) -> Planned:
    """Plan a layer's router: public's row and each expert's; zeros where the public expert is alone."""
    name, hidden = first.names.router(layer), first.sizes.hidden
    if not experts:  # one expert has the whole weight whatever its row is
        dtype = public_spec(first, layer, PROJECTIONS[0])[0]
        return Planned(name, dtype, (1, hidden), lambda: torch.zeros(1, hidden, dtype=dtype))

    def rows() -> Tensor:
        return torch.stack([first.router(layer)[0], *(expert.router_row(layer) for expert in experts)])

    return Planned(name, first.router(layer).dtype, (len(experts) + 1, hidden), rows)


def _plan_weight(recipe: Recipe, expert: ExpertWeights, layer: int, projection: str, rank: Rank, name: str) -> Planned:
    """Plan an expert's dense weight at a rank."""
    control = recipe.mixture.rank if recipe.mixture.kind == "control" else None
    dtype, shape = public_spec(expert.checkpoint, layer, projection)
    return Planned(name, dtype, shape, lambda: expert.weight(layer, projection, rank, control))


def _plan_factors(
    expert: ExpertWeights, layer: int, projection: str, rank: int, names: tuple[str, str]
) -> Iterator[Planned]:
    """Plan A [r, in] and B [out, r] of an expert at a rank; nothing at rank 0."""
    if rank == 0:
        return
    if expert.store is None:
        raise ValueError(f"{expert.name}: rank {rank} needs the factor store")
    store = expert.store
    out, in_ = public_spec(expert.checkpoint, layer, projection)[1]
    yield Planned(names[0], store.dtype, (rank, in_), lambda: store.prefix(layer, projection, rank)[0])
    yield Planned(names[1], store.dtype, (out, rank), lambda: store.prefix(layer, projection, rank)[1].T)
