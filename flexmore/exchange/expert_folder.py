"""Write an imported expert: its folder `experts/<name>/` and its factor store `factors/<name>/`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from flexmore.architectures.configs import mixture_config
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.folder import INDEX, copy_tokenizer, link_files
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.writer import Planned, write_file
from flexmore.config.mixtures import Rank
from flexmore.config.paths import StudyPaths
from flexmore.errors import CheckpointError
from flexmore.exchange.canonical import canonical, padded, singular_values, used_components
from flexmore.exchange.formats import public_spec
from flexmore.experts.describe import describe
from flexmore.factors.store import read_layer_tensor, write_index, write_layer
from flexmore.files import atomic_folder, fingerprint, sha256_of, write_json
from flexmore.progress import track

_OWN = "expert.safetensors"
"""The file of the tensors that are the expert's own."""

ReadFactors = Callable[[int, str], tuple[Tensor, Tensor]]
"""(layer, projection) to a [r, in] and b [r, out] of a delta, rank-major."""
ReadWeight = Callable[[int, str], Tensor]
"""(layer, projection) to a weight [out, in]."""


@dataclass(frozen=True)
class ImportedExpert:
    """Hold one expert that is being imported.

    Attributes:
        public: the checkpoint that holds the public tensors.
        factors: gives its factors; None for an expert of full size.
        weight: gives its weights; None for a factored one.
        router_rows: [layers, 2, hidden], public's row and its own.
    """

    public: Checkpoint
    factors: ReadFactors | None
    weight: ReadWeight | None
    router_rows: Tensor


def write_expert(
    paths: StudyPaths, name: str, expert: ImportedExpert, source: Path, building: ExitStack
) -> tuple[Rank, dict[str, Any]]:
    """Build an expert's folder and factors beside their places; return its rank and what its `source.json` holds.

    Args:
        source: the folder that it was imported from.
        building: when it closes, folder and factors take their places; if it fails, they vanish.

    Raises:
        CheckpointError: all of its factors are zero, or the public tensors lie in fused ones.
    """
    folder = building.enter_context(atomic_folder(paths.expert(name), paths.expert(name).parent))
    rank, store = None, folder
    if expert.factors is not None:
        store = building.enter_context(atomic_folder(paths.factors(name), paths.factors(name).parent))
        rank = _write_factors(store, expert.public, expert.factors, name)
    _write_folder(folder, expert, store, rank)
    content = {"expert": name, "source": "import", "path": str(source.resolve()), **describe(folder, name)}
    write_json(folder / "source.json", content)
    if rank is None:
        return "full", content
    key = fingerprint([sha256_of(path) for path in sorted(store.glob("*.safetensors"))])
    made_from = {"fingerprint": key, "source": content["fingerprint"], "method": "imported", "dtype": "checkpoint"}
    write_index(store, name, expert.public.sizes, rank, made_from)
    return rank, content


def _write_factors(store: Path, public: Checkpoint, factors: ReadFactors, name: str) -> int:
    """Write every layer's factors to the store; return their rank, the largest that any projection needs.

    Zeros at the end, with which the FlexMoRE authors' files reach a common rank, are dropped; projections of a lower
    rank get them again.
    """
    layers, most = range(public.sizes.layers), public.sizes.saturation
    used = (used_components(*factors(layer, projection)) for layer in layers for projection in PROJECTIONS)
    rank = min(max(used), most)
    if rank == 0:
        raise CheckpointError(f"{name}: every factor is zero; expected an adapter")
    for layer in track(layers, len(layers), f"import {name}, layers"):
        tensors: dict[str, Tensor] = {}
        for projection in PROJECTIONS:
            a, b = canonical(*factors(layer, projection))
            for side, values in (("a", a), ("b", b), ("s", singular_values(a, b))):
                tensors[f"{projection}.{side}"] = padded(values, rank)
        write_layer(store, layer, tensors, "imported")
    return rank


def _write_folder(folder: Path, expert: ImportedExpert, store: Path, rank: int | None) -> None:
    """Write `experts/<name>/`: links to the files of the public tensors, a file of its own tensors, an index of both.

    Nothing of the public model's size is copied.
    """
    public = expert.public
    shared = {name: public.file_of(name) for name in public.backbone_names}
    own: list[Planned] = []
    for layer in range(public.sizes.layers):
        own.append(_plan_router(public.names.router(layer), expert.router_rows[layer]))
        for projection in PROJECTIONS:
            name = public.expert_name(layer, 0, projection)
            if public.expert_layout(layer, 0, projection) == "fused":
                raise CheckpointError(f"{public.where(name)} holds all experts; expected a tensor for each expert")
            shared[name] = public.file_of(name)
            own += _plan_projection(expert, store, layer, projection)
    link_files(public.folder, folder, sorted(set(shared.values())))
    write_file(folder / _OWN, own, {"format": "pt"})
    weight_map = shared | {planned.name: _OWN for planned in own}
    write_json(folder / INDEX, {"metadata": {}, "weight_map": dict(sorted(weight_map.items()))})
    write_json(folder / "config.json", mixture_config(public.config, experts=2, active=2, ranks=[None, rank]))
    copy_tokenizer(public.folder, folder)


def _plan_router(name: str, rows: Tensor) -> Planned:
    return Planned(name, rows.dtype, tuple(rows.shape), lambda: rows)


def _plan_projection(expert: ImportedExpert, store: Path, layer: int, projection: str) -> Iterator[Planned]:
    """Plan the expert's own tensors of one projection: its weight, or A and B from its store."""
    names = expert.public.names
    if (weight := expert.weight) is not None:
        dtype, shape = public_spec(expert.public, layer, projection)
        yield Planned(names.weight(layer, projection, 1), dtype, shape, lambda: weight(layer, projection))
        return
    for side, name in zip("ab", names.factors(layer, projection, 1), strict=True):
        read = partial(_read_side, store, layer, projection, side)
        found = read()
        yield Planned(name, found.dtype, tuple(found.shape), read)


def _read_side(store: Path, layer: int, projection: str, side: str) -> Tensor:
    """Return A [r, in] or B [out, r] from a store, which is rank-major."""
    rows = read_layer_tensor(store, layer, f"{projection}.{side}")
    return rows if side == "a" else rows.T
