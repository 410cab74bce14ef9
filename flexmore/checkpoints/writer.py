"""Write safetensors as a stream: one tensor in memory at a time, hashed while it is written.

safetensors' own `save_file` needs all tensors of a file in memory at once. The format (a little-endian 64-bit length, a
JSON header of names, dtypes, shapes and offsets, then the bytes) needs only names, dtypes and shapes beforehand.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from flexmore.checkpoints.folder import INDEX
from flexmore.files import write_json

SHARD_BYTES = 5_000_000_000
"""The most that a shard holds unless another size is asked for, as on the hub."""

DTYPES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
"""Dtypes by their names in a safetensors header."""
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Planned:
    """Hold what must be known of a tensor before it is made.

    Attributes:
        make: returns the tensor; called once, when it is written.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    make: Callable[[], Tensor]

    @property
    def size(self) -> int:
        """Return the tensor's size in bytes."""
        return prod(self.shape) * self.dtype.itemsize


def write_file(path: Path, tensors: Sequence[Planned], metadata: Mapping[str, str]) -> str:
    """Write one safetensors file; return its SHA-256.

    Raises:
        ValueError: a tensor is made with another dtype or shape than planned.
    """
    ordered = sorted(tensors, key=lambda planned: -planned.dtype.itemsize)  # so that each is aligned to its dtype
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for planned in ordered:
        entry = {"dtype": _NAMES[planned.dtype], "shape": planned.shape}
        header[planned.name] = {**entry, "data_offsets": [offset, offset := offset + planned.size]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in _pieces(len(text).to_bytes(8, "little") + text, ordered):
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def _pieces(head: bytes, tensors: Sequence[Planned]) -> Iterator[memoryview]:
    """Yield the bytes of a file: its head, then each tensor, made when its turn comes."""
    yield memoryview(head)
    for planned in tensors:
        found = planned.make().detach().cpu().contiguous()
        if found.dtype != planned.dtype or tuple(found.shape) != planned.shape:
            raise ValueError(
                f"{planned.name}: {found.dtype} {tuple(found.shape)}; planned {planned.dtype} {planned.shape}"
            )
        yield found.reshape(-1).view(torch.uint8).numpy().data


def write_sharded(folder: Path, tensors: Sequence[Planned], shard_bytes: int) -> dict[str, str]:
    """Write a checkpoint's shards, of at most `shard_bytes` each where a tensor allows it, and their index.

    Returns:
        SHA-256 of each file of weights, by name.
    """
    shards: list[list[Planned]] = [[]]
    size = 0
    for planned in tensors:
        if shards[-1] and size + planned.size > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(planned)
        size += planned.size
    hashes, weight_map = {}, {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        hashes[file] = write_file(folder / file, shard, {"format": "pt"})
        weight_map.update(dict.fromkeys((planned.name for planned in shard), file))
    total = sum(planned.size for planned in tensors)
    write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))})
    return hashes
