"""What of a checkpoint is shared with the public model, what is the expert's own, and the digests of both."""

import hashlib
from collections.abc import Iterator

import torch

from flexmore.architectures.sizes import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint


def public_tensors(checkpoint: Checkpoint) -> Iterator[tuple[str, torch.Tensor]]:
    """What an expert shares with the public model, under the dense model's names: backbone, expert 0, router row 0."""
    for name in checkpoint.backbone_names:
        yield name, checkpoint.tensor(name)
    for layer in range(checkpoint.sizes.layers):
        for projection in PROJECTIONS:
            yield (
                f"model.layers.{layer}.mlp.{projection}.weight",
                checkpoint.expert_weight(layer, 0, projection),
            )
        if not checkpoint.dense:
            yield f"model.layers.{layer}.mlp.gate.weight[0]", checkpoint.router(layer)[0]


def expert_tensors(checkpoint: Checkpoint) -> Iterator[tuple[str, torch.Tensor]]:
    """What is an expert's own in a 2-expert checkpoint: expert 1 and router row 1."""
    for layer in range(checkpoint.sizes.layers):
        for projection in PROJECTIONS:
            name = f"model.layers.{layer}.mlp.experts.1.{projection}.weight"
            yield name, checkpoint.expert_weight(layer, 1, projection)
        yield f"model.layers.{layer}.mlp.gate.weight[1]", checkpoint.router(layer)[1]


def digest(tensor: torch.Tensor) -> str:
    """SHA-256 of a tensor's dtype, shape and bytes."""
    found = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
