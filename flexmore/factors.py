"""The factor store on disk: `factors/<expert>/layer-NN.safetensors`, rank-major, sharded by layer.

A layer's file is published whole and carries the fingerprint of what it was made from, so a killed run goes on at the
next layer. `index.json` comes last: where it stands the store is complete.
"""

from pathlib import Path

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from flexmore import lowrank
from flexmore.checkpoints import Checkpoint, read_metadata
from flexmore.config import FactorSettings
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import fingerprint, published, read_json, write_json
from flexmore.mixtures import PROJECTIONS
from flexmore.progress import track
from flexmore.revisions import FACTORS_REVISION


def factorize_expert(checkpoint: Checkpoint, source: str, out: Path, settings: FactorSettings, expert: str) -> None:
    """Factorize every projection of a 2-expert checkpoint into a store, resuming by layer.

    Args:
        source: fingerprint of the checkpoint.
        out: `factors/<expert>/`.

    Raises:
        CheckpointError: a delta with NaN or infinity, a missing tensor, a wrong shape; the message names it.
    """
    key = fingerprint({"source": source, **settings.model_dump(), "revision": FACTORS_REVISION})
    layers = checkpoint.architecture.layers
    done = [layer for layer in range(layers) if read_metadata(_layer_file(out, layer)).get("fingerprint") == key]
    if read_key(out) not in (None, key):  # an index must not vouch for layers that are about to be replaced
        (out / "index.json").unlink()
    todo = [layer for layer in range(layers) if layer not in done]
    for layer in track(todo, layers, f"factorize {expert}, layers", done=len(done)):
        with published(_layer_file(out, layer)) as temporary:
            save_file(_factorize_layer(checkpoint, layer, settings), temporary, metadata={"fingerprint": key})
    spectrum = _gather_spectrum(out, expert, layers)
    with published(out / "spectrum.parquet") as temporary:
        spectrum.to_parquet(temporary, index=False)
    architecture = checkpoint.architecture
    write_json(
        out / "index.json",
        {
            "expert": expert,
            "fingerprint": key,
            "source": source,
            "revision": FACTORS_REVISION,
            **settings.model_dump(),
            "stored": _stored_dtype(out),
            "hidden": architecture.hidden,
            "ffn": architecture.ffn,
            "layers": layers,
        },
    )


def read_key(folder: Path) -> str | None:
    """The fingerprint of a complete store, None where there is none."""
    index = folder / "index.json"
    return str(read_json(index)["fingerprint"]) if index.is_file() else None


class FactorStore:
    """A complete store, read by prefixes: only the asked-for rank's bytes leave the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = read_json(folder / "index.json")
        self.fingerprint: str = self.index["fingerprint"]

    def prefix(self, layer: int, projection: str, rank: int) -> tuple[Tensor, Tensor]:
        """The leading `rank` rows of a [rank, in] and b [rank, out] of one projection."""
        with safe_open(_layer_file(self.folder, layer), framework="pt") as file:
            a = file.get_slice(f"{projection}.a")
            if rank > (stored := a.get_shape()[0]):
                raise FlexmoreError(f"{self.folder}: rank {rank} asked for, the store holds {stored}")
            return a[:rank], file.get_slice(f"{projection}.b")[:rank]

    def singular_values(self, layer: int, projection: str) -> Tensor:
        """Every singular value of one projection, falling, fp32."""
        with safe_open(_layer_file(self.folder, layer), framework="pt") as file:
            values: Tensor = file.get_tensor(f"{projection}.s")
            return values


def _layer_file(folder: Path, layer: int) -> Path:
    return folder / f"layer-{layer:02d}.safetensors"


def _stored_dtype(folder: Path) -> str:
    with safe_open(_layer_file(folder, 0), framework="pt") as file:
        first: Tensor = file.get_slice(f"{PROJECTIONS[0]}.a")[:1]
        return str(first.dtype).removeprefix("torch.")


def _factorize_layer(checkpoint: Checkpoint, layer: int, settings: FactorSettings) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for projection in PROJECTIONS:
        public = checkpoint.expert_weight(layer, 0, projection)
        own = checkpoint.expert_weight(layer, 1, projection)
        try:
            found = lowrank.factorize(own.double() - public.double(), settings.method)
        except ValueError as error:
            raise CheckpointError(f"{checkpoint.folder}: layer {layer}, {projection}: {error}") from None
        dtype = own.dtype if settings.dtype == "checkpoint" else getattr(torch, settings.dtype)
        tensors[f"{projection}.a"] = found.a.to(dtype).contiguous()
        tensors[f"{projection}.b"] = found.b.to(dtype).contiguous()
        tensors[f"{projection}.s"] = found.s.float()
    return tensors


def _gather_spectrum(folder: Path, expert: str, layers: int) -> pd.DataFrame:
    frames = []
    for layer in range(layers):
        with safe_open(_layer_file(folder, layer), framework="pt") as file:
            for projection in PROJECTIONS:
                values = file.get_tensor(f"{projection}.s").numpy()
                frames.append(
                    pd.DataFrame(
                        {
                            "expert": expert,
                            "layer": layer,
                            "projection": projection,
                            "index": range(len(values)),
                            "value": values,
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True)
