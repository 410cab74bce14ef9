"""Safetensors written as a stream, read by safetensors and transformers."""

import json
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.writer import Planned, write_file, write_sharded
from flexmore.exchange.formats import plan_copy
from flexmore.files import sha256_of


def test_a_streamed_file_is_a_safetensors_file(tmp_path: Path) -> None:
    values = {
        "half": torch.arange(3).to(torch.float16),
        "brain": torch.ones(2, 5, dtype=torch.bfloat16),
        "wide": torch.randn(3, 1, 2, dtype=torch.float64),
        "turned": torch.randn(4, 3).T,
        "empty": torch.zeros(0, 4),
    }
    planned = [Planned(n, v.dtype, tuple(v.shape), lambda v=v: v) for n, v in values.items()]  # type: ignore[misc]
    digest = write_file(tmp_path / "file.safetensors", planned, {"format": "pt"})
    assert digest == sha256_of(tmp_path / "file.safetensors")
    found = load_file(tmp_path / "file.safetensors")
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in values.items())
    with safe_open(tmp_path / "file.safetensors", framework="pt") as file:
        assert file.metadata() == {"format": "pt"}
    head = (tmp_path / "file.safetensors").read_bytes()
    assert int.from_bytes(head[:8], "little") % 8 == 0
    assert json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])["wide"]["data_offsets"][0] == 0


def test_a_tensor_that_is_not_as_planned_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"odd: torch\.float32"):
        write_file(tmp_path / "f", [Planned("odd", torch.float32, (2,), lambda: torch.zeros(3))], {})


def test_only_one_tensor_is_in_memory_at_a_time(tmp_path: Path) -> None:
    made: list[weakref.ref[np.ndarray]] = []

    def make() -> torch.Tensor:
        assert sum(tensor() is not None for tensor in made) <= 1, "the one before the last is gone"
        array = np.zeros(1000, dtype=np.float32)
        made.append(weakref.ref(array))
        return torch.from_numpy(array)

    write_file(tmp_path / "f", [Planned(f"t{n}", torch.float32, (1000,), make) for n in range(5)], {})
    assert len(made) == 5


def test_what_is_saved_in_shards_transformers_loads(family: Path, tmp_path: Path) -> None:
    source = Checkpoint(family / "news")
    hashes = write_sharded(tmp_path, [plan_copy(source, name) for name in source.tensor_names], 9000)
    assert all(sha256_of(tmp_path / file) == digest for file, digest in hashes.items())
    (tmp_path / "config.json").write_bytes((family / "news" / "config.json").read_bytes())
    again, before = (AutoModelForCausalLM.from_pretrained(folder) for folder in (tmp_path, family / "news"))
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), before.parameters(), strict=True))
