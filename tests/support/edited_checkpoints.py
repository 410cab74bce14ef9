"""Copies of checkpoints with something changed."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

INDEX = "model.safetensors.index.json"


def copied(source: Path, target: Path) -> Path:
    """Copy a checkpoint's files to a new folder, which is returned."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def edit(folder: Path, part: str, change: Any) -> str:
    """Apply `change` to the first tensor whose name holds `part`; returns its name."""
    weight_map = _weight_map(folder)
    name = next(name for name in sorted(weight_map) if part in name)
    tensors = load_file(folder / weight_map[name])
    tensors[name] = change(tensors[name].clone())
    save_file(tensors, folder / weight_map[name], metadata={"format": "pt"})
    return name


def drop(folder: Path, part: str) -> str:
    """Leave out the first tensor whose name holds `part`; returns its name."""
    weight_map = _weight_map(folder)
    name = next(name for name in sorted(weight_map) if part in name)
    tensors = load_file(folder / (file := weight_map.pop(name)))
    del tensors[name]
    save_file(tensors, folder / file, metadata={"format": "pt"})
    _write_weight_map(folder, weight_map)
    return name


def add(folder: Path, name: str, tensor: torch.Tensor) -> None:
    """Add a tensor, in a shard of its own."""
    file = f"model-{len(list(folder.glob('*.safetensors'))) + 1:05d}-of-00099.safetensors"
    save_file({name: tensor}, folder / file, metadata={"format": "pt"})
    _write_weight_map(folder, _weight_map(folder) | {name: file})


def configure(folder: Path, **changes: Any) -> None:
    """Change keys of `config.json`; None removes one."""
    content = json.loads((folder / "config.json").read_text()) | changes
    kept = {key: value for key, value in content.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept))


def _weight_map(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / INDEX).read_text())["weight_map"]
    return found


def _write_weight_map(folder: Path, weight_map: dict[str, str]) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
