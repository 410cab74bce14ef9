"""The factor store: prefixes, read alone."""

from pathlib import Path
from typing import Any

import pytest
import torch

from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import FlexmoreError
from flexmore.factors.store import FactorStore, write_index, write_layer


def test_a_rank_above_the_store_is_refused(composed: Any) -> None:
    with pytest.raises(FlexmoreError, match="found factors of rank 16, expected at least rank 17"):
        FactorStore(composed.paths.factors("math")).prefix(0, "up_proj", 17)


def mapped_bytes(path: Path) -> int:
    """How much of a file this process has in memory through its mappings (Linux: /proc/self/smaps)."""
    found, here = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            here = line.endswith(str(path))
        elif here and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


def test_a_prefix_reads_only_its_own_bytes(tmp_path: Path) -> None:
    rank, side = 2048, 1024
    tensors = {f"{p}.{part}": torch.ones(rank, side) for p in PROJECTIONS for part in "ab"}
    tensors |= {f"{p}.s": torch.ones(rank) for p in PROJECTIONS}
    sizes = ModelSizes(hidden=side, ffn=side, layers=1, vocabulary=1, heads=1, key_value_heads=1)
    write_layer(tmp_path, 0, tensors, "key")
    write_index(tmp_path, "math", sizes, rank, {"fingerprint": "key"})
    store = FactorStore(tmp_path)
    for wanted in (16, 256, 2048):
        a, b = store.prefix(0, "up_proj", wanted)
        assert float(a.sum() + b.sum()) == 2 * wanted * side
        found, size = mapped_bytes(tmp_path / "layer-00.safetensors"), 2 * wanted * side * 4
        assert 0 < found <= size + 6 * 2**20, "the kernel maps pieces of up to 2 MiB, of 48 MiB in all"
        del a, b
