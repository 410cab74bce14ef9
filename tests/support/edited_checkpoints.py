"""Copies of checkpoints with something changed."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file


def copied(source: Path, target: Path) -> Path:
    """Copy a checkpoint's files to a new folder, which is returned."""
    target.mkdir(parents=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def edit(folder: Path, part: str, change: Any) -> str:
    """Apply `change` to the first tensor whose name holds `part`; returns its name."""
    weight_map = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    name = next(name for name in sorted(weight_map) if part in name)
    tensors = load_file(folder / weight_map[name])
    tensors[name] = change(tensors[name].clone())
    save_file(tensors, folder / weight_map[name], metadata={"format": "pt"})
    return name
