"""The factor store on disk: `factors/<expert>/layer-NN.safetensors`, rank-major, sharded by layer.

A layer's file is replaced as a whole and carries the fingerprint of what it was made from, so a killed run continues at
the next layer. `index.json` is written last: a store that has it is complete.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import read_metadata
from flexmore.errors import FlexmoreError
from flexmore.files import atomic_file, read_json, write_json
from flexmore.revisions import FACTORS_REVISION


def write_layer(out: Path, layer: int, tensors: Mapping[str, Tensor], fingerprint: str) -> None:
    """Write a layer's file: `<projection>.a` [rank, in], `.b` [rank, out] and `.s` of each projection.

    Args:
        fingerprint: of what the factors were made from; kept in the file.
    """
    rank = tensors[f"{PROJECTIONS[0]}.a"].shape[0]
    with atomic_file(_layer_file(out, layer)) as temporary:
        save_file(dict(tensors), temporary, metadata={"fingerprint": fingerprint, "rank": str(rank)})


def write_index(out: Path, expert: str, sizes: ModelSizes, rank: int, made_from: Mapping[str, Any]) -> None:
    """Write the spectrum and, last, `index.json`, which says that the store is complete.

    Args:
        rank: how many components every layer holds.
        made_from: `fingerprint`, `source` (the checkpoint's fingerprint) and how the factors were made.
    """
    with atomic_file(out / "spectrum.parquet") as temporary:
        _gather_spectrum(out, expert, sizes.layers).to_parquet(temporary, index=False)
    write_json(
        out / "index.json",
        {
            "expert": expert,
            **made_from,
            "revision": FACTORS_REVISION,
            "stored": _stored_dtype(out),
            "rank": rank,
            "hidden": sizes.hidden,
            "ffn": sizes.ffn,
            "layers": sizes.layers,
        },
    )


def read_fingerprint(folder: Path) -> str | None:
    """Return the fingerprint of a complete store, None where there is none."""
    index = folder / "index.json"
    return str(read_json(index)["fingerprint"]) if index.is_file() else None


class FactorStore:
    """Read a complete store by prefixes: of a rank only its own bytes are read from disk.

    Attributes:
        index: content of `index.json`.
        fingerprint: of what the factors were made from.
        rank: how many components every layer holds.
        dtype: of the stored factors.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = read_json(folder / "index.json")
        self.fingerprint: str = self.index["fingerprint"]
        self.rank: int = self.index["rank"]
        self.dtype: torch.dtype = getattr(torch, self.index["stored"])

    def prefix(self, layer: int, projection: str, rank: int) -> tuple[Tensor, Tensor]:
        """Return the leading `rank` rows of one projection's factors, a [rank, in] and b [rank, out].

        Raises:
            FlexmoreError: the store holds fewer.
        """
        if rank > self.rank:
            raise FlexmoreError(
                f"{self.folder}: found factors of rank {self.rank}, expected at least rank {rank}; "
                "raise factors.max_rank and factorize again"
            )
        with safe_open(_layer_file(self.folder, layer), framework="pt") as file:
            return file.get_slice(f"{projection}.a")[:rank], file.get_slice(f"{projection}.b")[:rank]

    def singular_values(self, layer: int, projection: str) -> Tensor:
        """Return every singular value of one projection, falling, fp32."""
        return read_layer_tensor(self.folder, layer, f"{projection}.s")


def read_layer_tensor(folder: Path, layer: int, name: str) -> Tensor:
    """Return a whole tensor of a layer's file, such as `gate_proj.a`; the store need not be complete."""
    with safe_open(_layer_file(folder, layer), framework="pt") as file:
        found: Tensor = file.get_tensor(name)
        return found


def _layer_file(folder: Path, layer: int) -> Path:
    return folder / f"layer-{layer:02d}.safetensors"


def _stored_dtype(folder: Path) -> str:
    with safe_open(_layer_file(folder, 0), framework="pt") as file:
        first: Tensor = file.get_slice(f"{PROJECTIONS[0]}.a")[:1]
        return str(first.dtype).removeprefix("torch.")


def layer_rank(folder: Path, layer: int, fingerprint: str) -> int:
    """Return how many components a layer's file holds; 0 where it is missing or has another fingerprint."""
    metadata = read_metadata(_layer_file(folder, layer))
    return int(metadata.get("rank", 0)) if metadata.get("fingerprint") == fingerprint else 0


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
