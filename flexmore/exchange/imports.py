"""Checkpoints of others into this project's artefacts: an expert's folder, its factors, a recipe.

A factored checkpoint (the authors' or `materialize --format flexmore`) or a PEFT LoRA adapter becomes
`experts/<name>/`, whose public tensors are links to the files they lie in and whose own are factors, so that nothing
of the public model's size is copied; `factors/<name>/`; and `mixtures/<mixture>.json`.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from flexmore.architectures.configs import dense_config, mixture_config
from flexmore.architectures.names import PROJECTIONS
from flexmore.checkpoints.family import check_family
from flexmore.checkpoints.folder import INDEX, copy_tokenizer, link_files
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.recipes import recipe_from_disk
from flexmore.checkpoints.writer import Planned, write_file, write_sharded
from flexmore.config.mixtures import Rank
from flexmore.config.paths import StudyPaths
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.exchange.choices import RouterChoice
from flexmore.exchange.formats import plan_copy, plan_public, public_spec
from flexmore.exchange.lora import CONFIG, LoraAdapter
from flexmore.exchange.router_rows import router_rows
from flexmore.experts.describe import describe
from flexmore.factors.store import layer_tensor, write_index, write_layer
from flexmore.files import fingerprint, sha256_of, write_json
from flexmore.lowrank.svd import balanced
from flexmore.mixtures.grid import Mixture
from flexmore.progress import track

OWN = "expert.safetensors"
Products = Callable[[int, str], tuple[Tensor, Tensor]]
"""(layer, projection) to a [r, in], b [r, out] of a delta, rank-major."""


@dataclass(frozen=True)
class Found:
    """One expert of a checkpoint to import.

    Attributes:
        public: the checkpoint with the public tensors.
        product: its factors; None for an expert of full size.
        weight: its weights; None for a factored one.
        rows: its router, [layers, 2, hidden]: public's row and its own.
    """

    public: Checkpoint
    product: Products | None
    weight: Callable[[int, str], Tensor] | None
    rows: Tensor


def import_checkpoint(
    source: Path, root: Path, names: Sequence[str], *, public: Path | None = None,
    active: int | None = None, router: RouterChoice | None = None,
) -> Path:  # fmt: skip
    """Import a factored checkpoint, or a LoRA adapter of the public model, as experts of the family in `root`.

    Args:
        names: of its experts, in their order.
        public: the dense public model; default: the one in `root`, else expert 0 of the checkpoint, written out.
        active: experts per token of the recipe; default: the checkpoint's, for an adapter 2.
        router: of an adapter: where its router row comes from.

    Returns:
        The recipe's path.

    Raises:
        FlexmoreError: something is missing or does not fit together; the message names it.
    """
    paths = StudyPaths(root)
    adapter = (source / CONFIG).is_file()
    checkpoint = None if adapter else Checkpoint(source)
    _provide_public(paths, public, checkpoint)
    if checkpoint is None:
        found = [_from_adapter(paths, source, router or RouterChoice())]
        active = active or 2
    else:
        found = [_from_checkpoint(checkpoint, slot) for slot in range(1, checkpoint.experts)]
        active = active or int(checkpoint.config["num_experts_per_tok"])
    if len(names) != len(found) or len(set(names)) != len(names) or {"public", "joint"} & set(names):
        raise FlexmoreError(f"{source}: {len(found)} experts and the names {list(names)}; expected a name for each")
    if not 1 <= active <= len(names) + 1:
        raise FlexmoreError(f"{active} active experts; allowed are 1 to {len(names) + 1}")
    ranks = [_write_expert(paths, name, expert, source) for name, expert in zip(names, found, strict=True)]
    check_family(paths, ("public", *names))
    mixture = _mixture(names, ranks, active)
    recipe = paths.recipe(mixture.name)
    write_json(recipe, recipe_from_disk(paths, mixture, None).to_json(paths.root.name))
    return recipe


def _mixture(names: Sequence[str], ranks: Sequence[Rank], active: int) -> Mixture:
    """The mixture that was imported: `math-r16`, `joint-a4-r16`, or `joint-a4-own` where ranks differ."""
    condition = str(ranks[0]) if len(set(ranks)) == 1 else "own"
    label = f"r{condition}" if condition.isdigit() else condition
    if len(names) == 1:
        return Mixture(f"{names[0]}-{label}", "pair", tuple(names), tuple(ranks), active, condition)
    return Mixture(f"joint-a{active}-{label}", "joint", tuple(names), tuple(ranks), active, condition)


def _provide_public(paths: StudyPaths, given: Path | None, checkpoint: Checkpoint | None) -> None:
    """See to it that `experts/public/` is there: as it stands, linked, or written from a checkpoint's expert 0."""
    folder = paths.expert("public")
    if (folder / "source.json").is_file():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if given is not None:
        link_files(given, folder, _files(given))
    elif checkpoint is not None:
        planned = [plan_copy(checkpoint, name) for name in checkpoint.backbone_names]
        for layer in range(checkpoint.sizes.layers):
            for projection in PROJECTIONS:
                name = checkpoint.names.weight(layer, projection)
                planned.append(plan_public(checkpoint, layer, projection, name))
        write_sharded(folder, planned, 5_000_000_000)
        write_json(folder / "config.json", dense_config(checkpoint.config))
        copy_tokenizer(checkpoint.folder, folder)
    else:
        raise FlexmoreError(f"{folder}: no public model yet; name it with --public FOLDER")
    made = {"expert": "public", "source": "import", "path": str((given or folder).resolve())}
    write_json(folder / "source.json", {**made, **describe(folder, "public")})


def _from_checkpoint(checkpoint: Checkpoint, slot: int) -> Found:
    rows = torch.stack([checkpoint.router(layer)[[0, slot]] for layer in range(checkpoint.sizes.layers)])
    if checkpoint.expert_layout(0, slot, PROJECTIONS[0]) == "factored":
        return Found(
            checkpoint, lambda layer, projection: checkpoint.expert_factors(layer, slot, projection), None, rows
        )
    return Found(checkpoint, None, lambda layer, projection: checkpoint.expert_weight(layer, slot, projection), rows)


def _from_adapter(paths: StudyPaths, source: Path, router: RouterChoice) -> Found:
    public = Checkpoint(paths.expert("public"))
    sizes = public.sizes
    adapter = LoraAdapter(source, sizes)
    public_rows = _public_rows(paths, public)
    own = router_rows(router, public.folder, public_rows, sizes)
    return Found(public, adapter.product, None, torch.stack([public_rows, own], dim=1))


def _public_rows(paths: StudyPaths, public: Checkpoint) -> Tensor:
    """Public's router rows [layers, hidden]: those of the family's experts, zero where there are none yet."""
    layers = range(public.sizes.layers)
    for path in sorted(paths.expert("public").parent.glob("*/source.json")):
        if path.parent.name != "public":
            expert = Checkpoint(path.parent)
            return torch.stack([expert.router(layer)[0] for layer in layers])
    dtype = public.expert_weight(0, 0, PROJECTIONS[0]).dtype
    return torch.zeros(len(layers), public.sizes.hidden, dtype=dtype)


def _write_expert(paths: StudyPaths, name: str, found: Found, source: Path) -> Rank:
    """Write an expert's folder and factors; returns its rank."""
    store, folder = paths.factors(name), paths.expert(name)
    sizes = found.public.sizes
    for stale in (store, folder):
        shutil.rmtree(stale, ignore_errors=True)
    folder.mkdir(parents=True)
    rank = None if found.product is None else _write_factors(store, found.public, found.product, name)
    _write_folder(folder, found, store, rank)
    made = {"expert": name, "source": "import", "path": str(source.resolve()), **describe(folder, name)}
    write_json(folder / "source.json", made)
    if rank is None:
        return "full"
    key = fingerprint([sha256_of(path) for path in sorted(store.glob("*.safetensors"))])
    how = {"fingerprint": key, "source": made["fingerprint"], "method": "imported", "dtype": "checkpoint"}
    write_index(store, name, sizes, rank, how)
    return rank


def _write_factors(store: Path, public: Checkpoint, product: Products, name: str) -> int:
    """Write every layer's factors in the store's form, all of one rank: the largest that any projection needs.

    Trailing zero components, with which the authors' files fill up, are dropped; shorter ones are filled up with zeros.
    Factors that are a truncated SVD's already keep their bits.
    """
    layers, most = range(public.sizes.layers), public.sizes.saturation
    rank = max(min(_used(*product(layer, name)), most) for layer in layers for name in PROJECTIONS)
    if rank == 0:
        raise CheckpointError(f"{name}: every factor is zero; expected an adapter")
    for layer in track(layers, len(layers), f"import {name}, layers"):
        tensors: dict[str, Tensor] = {}
        for projection in PROJECTIONS:
            a, b = _canonical(*product(layer, projection))
            for side, values in (("a", a), ("b", b), ("s", _values(a, b))):
                tensors[f"{projection}.{side}"] = _filled(values, rank)
        write_layer(store, layer, tensors, "imported")
    return rank


def _used(a: Tensor, b: Tensor) -> int:
    """How many components there are up to the last that is not zero."""
    if a.shape[0] == 0:
        return 0
    used = ((a.abs().amax(1) > 0) & (b.abs().amax(1) > 0)).nonzero()
    return int(used.max()) + 1 if len(used) else 0


def _canonical(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Factors in the order and balance of an SVD's, without trailing zeros."""
    rank = _used(a, b)
    a, b = a[:rank], b[:rank]
    if rank == 0 or _is_svd(a, b):
        return a.contiguous(), b.contiguous()
    found = balanced(a, b)
    return found.a.to(a.dtype).contiguous(), found.b.to(b.dtype).contiguous()


def _is_svd(a: Tensor, b: Tensor) -> bool:
    """Whether factors are a truncated SVD's up to the rounding of their dtype."""
    near = 8 * torch.finfo(a.dtype).eps
    s = _values(a, b)
    if a.shape[0] > min(a.shape[1], b.shape[1]) or bool((s[1:] > s[:-1] * (1 + near)).any()):
        return False
    root = s.sqrt()
    for side in (a.float(), b.float()):
        excess = side @ side.T - torch.diag(s)
        if bool((excess.abs() > near * (root[:, None] * root) * side.shape[1] ** 0.5).any()):
            return False
    return True


def _values(a: Tensor, b: Tensor) -> Tensor:
    values: Tensor = a.float().norm(dim=1) * b.float().norm(dim=1)
    return values


def _filled(values: Tensor, rank: int) -> Tensor:
    if values.shape[0] == rank:
        return values
    return torch.cat([values, values.new_zeros(rank - values.shape[0], *values.shape[1:])])


def _write_folder(folder: Path, found: Found, store: Path, rank: int | None) -> None:
    """`experts/<name>/`: links to the files of public's tensors, a file of the expert's own, an index over both."""
    public = found.public
    shared = {name: public.file_of(name) for name in public.backbone_names}
    own: list[Planned] = []
    for layer in range(public.sizes.layers):
        own.append(_plan_row(public.names.router(layer), found.rows[layer]))
        for projection in PROJECTIONS:
            name = public.expert_name(layer, 0, projection)
            if public.expert_layout(layer, 0, projection) == "fused":
                raise CheckpointError(f"{public.where(name)} is fused; expected a name for each expert")
            shared[name] = public.file_of(name)
            own += _plan_own(public, found, store, layer, projection)
    link_files(public.folder, folder, sorted(set(shared.values())))
    write_file(folder / OWN, own, {"format": "pt"})
    weight_map = shared | {planned.name: OWN for planned in own}
    write_json(folder / INDEX, {"metadata": {}, "weight_map": dict(sorted(weight_map.items()))})
    write_json(folder / "config.json", mixture_config(public.config, experts=2, active=2, ranks=[None, rank]))
    copy_tokenizer(public.folder, folder)


def _plan_row(name: str, rows: Tensor) -> Planned:
    return Planned(name, rows.dtype, tuple(rows.shape), lambda: rows)


def _plan_own(public: Checkpoint, found: Found, store: Path, layer: int, projection: str) -> Iterator[Planned]:
    """The tensors of the expert's own of one projection: its weights, or A and B from its store."""
    if (weight := found.weight) is not None:
        dtype, shape = public_spec(public, layer, projection)
        yield Planned(public.names.weight(layer, projection, 1), dtype, shape, lambda: weight(layer, projection))
        return
    for side, name in zip("ab", public.names.factors(layer, projection, 1), strict=True):
        rows = layer_tensor(store, layer, f"{projection}.{side}")
        sides = tuple(rows.shape if side == "a" else rows.T.shape)
        yield Planned(name, rows.dtype, sides, partial(_side, store, layer, projection, side))


def _side(store: Path, layer: int, projection: str, side: str) -> Tensor:
    rows = layer_tensor(store, layer, f"{projection}.{side}")
    return rows if side == "a" else rows.T


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "source.json")
