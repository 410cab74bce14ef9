"""Training checkpoints: one safetensors file with weights, optimizer moments and the number of steps done.

The texts of a step depend on seed and step alone, so the step is all of the generator's state.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from flexmore.files import atomic_file

Tensors = Mapping[str, torch.Tensor]


def save_checkpoint(
    path: Path, fingerprint: str, step: int, weights: Tensors, optimizer: torch.optim.Optimizer
) -> None:
    """Write the trained `weights` by name, their moments and the number of steps done; replace the file at once."""
    state = {f"weight/{name}": weight.detach().contiguous() for name, weight in weights.items()}
    for name, weight in weights.items():
        state |= {f"{key}/{name}": value.contiguous() for key, value in optimizer.state[weight].items()}
    with atomic_file(path) as temporary:
        save_file(state, temporary, metadata={"fingerprint": fingerprint, "step": str(step)})


def load_checkpoint(path: Path, fingerprint: str, weights: Tensors, optimizer: torch.optim.Optimizer) -> int:
    """Restore `weights` and `optimizer` in place and return the number of steps done.

    Where there is no readable checkpoint of this fingerprint, change nothing and return 0.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("fingerprint") != fingerprint:
                return 0
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (FileNotFoundError, SafetensorError):
        return 0
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(state.pop(f"weight/{name}"))
    for key, value in state.items():
        moment, _, name = key.partition("/")
        optimizer.state[weights[name]][moment] = value
    return int(metadata["step"])
