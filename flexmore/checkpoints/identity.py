"""What of a checkpoint is shared with the public model, what is the expert's own, and the digests of both."""

import hashlib
from collections.abc import Iterator

import torch

from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint


def public_tensors(checkpoint: Checkpoint) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield what an expert shares with the public model: backbone, expert 0 and row 0 of the routers.

    Names are those of the dense public model, whatever the checkpoint's layout.
    """
    names = checkpoint.names
    for name in checkpoint.backbone_names:
        yield name, checkpoint.tensor(name)
    for layer in range(checkpoint.sizes.layers):
        for projection in PROJECTIONS:
            yield names.weight(layer, projection), checkpoint.expert_weight(layer, 0, projection)
        if checkpoint.architecture.routed:
            yield names.router_row(layer, 0), checkpoint.router(layer)[0]


def expert_tensors(checkpoint: Checkpoint) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield what is the expert's own in a 2-expert checkpoint: expert 1 and row 1 of the routers."""
    names = checkpoint.names
    for layer in range(checkpoint.sizes.layers):
        for projection in PROJECTIONS:
            yield names.weight(layer, projection, expert=1), checkpoint.expert_weight(layer, 1, projection)
        yield names.router_row(layer, 1), checkpoint.router(layer)[1]


def digest_tensor(tensor: torch.Tensor) -> str:
    """Return the SHA-256 of a tensor's dtype, shape and bytes."""
    found = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
