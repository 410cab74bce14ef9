"""Whether a checkpoint holds the tensors that its architecture needs, and no others."""

from collections.abc import Iterator

import torch

from flexmore.architectures.flexmore import declared_rank
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.checkpoints.reader import Checkpoint
from flexmore.checkpoints.writer import DTYPES
from flexmore.errors import CheckpointError


def check_tensors(checkpoint: Checkpoint) -> None:
    """Check the tensors of a checkpoint: none is missing or unknown, and those of the backbone have their shapes.

    Raises:
        CheckpointError: names the tensor, what was found and what was expected.
    """
    check_names(checkpoint)
    shapes = checkpoint.sizes.backbone_shapes()
    if checkpoint.architecture.routed:
        router = (checkpoint.experts, checkpoint.sizes.hidden)
        shapes |= {checkpoint.names.router(layer): router for layer in range(checkpoint.sizes.layers)}
    for name in checkpoint.tensor_names:
        found = checkpoint.slice_of(name)
        shape, dtype = tuple(found.get_shape()), found.get_dtype()
        if shape != shapes.get(name, shape):
            raise CheckpointError(f"{checkpoint.where(name)} has shape {shape}, expected {shapes[name]}")
        if dtype not in DTYPES:
            raise CheckpointError(
                f"{checkpoint.where(name)} has dtype {dtype}; expected {', '.join(DTYPES)}, not quantized weights"
            )
    _check_tied(checkpoint)


def check_names(checkpoint: Checkpoint) -> None:
    """Check that every tensor that is needed is there, and that each that is there is used; needs no shard of an index.

    Raises:
        CheckpointError: names the first tensor that is missing, or that the architecture does not know.
    """
    needed = set(_needed_names(checkpoint))
    if missing := sorted(name for name in needed if name not in checkpoint):
        raise CheckpointError(
            f"{checkpoint.folder}: tensor {missing[0]} is missing ({len(missing)} in all); "
            f"expected it in {checkpoint.architecture.class_name}"
        )
    known = needed | ({_head(checkpoint)} if checkpoint.sizes.tied else set())
    if unknown := sorted(set(checkpoint.tensor_names) - known):
        raise CheckpointError(
            f"{checkpoint.where(unknown[0])} ({len(unknown)} such) is none that {checkpoint.architecture.class_name} "
            "uses with this config.json; expected only tensors that it uses, since others would be left out of what "
            "is computed"
        )


def _needed_names(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield the names of the tensors that a checkpoint must hold, in the layout that it has."""
    names = checkpoint.names
    yield from checkpoint.backbone_names
    for layer in range(checkpoint.sizes.layers):
        if checkpoint.architecture.routed:
            yield names.router(layer)
        for expert in range(checkpoint.experts):
            for projection in PROJECTIONS:
                if expert and declared_rank(checkpoint.config, expert, layer, projection) == 0:
                    continue  # no adapter: the public expert's weights
                yield checkpoint.expert_name(layer, expert, projection)
                if checkpoint.expert_layout(layer, expert, projection) == "factored":
                    yield names.factors(layer, projection, expert)[1]


def _check_tied(checkpoint: Checkpoint) -> None:
    """Check that a head is the embeddings where `config.json` says so and the file holds both."""
    head, embeddings = _head(checkpoint), f"{checkpoint.names.embeddings}.weight"
    if not checkpoint.sizes.tied or head not in checkpoint:
        return
    if not torch.equal(checkpoint.tensor(head), checkpoint.tensor(embeddings)):
        raise CheckpointError(
            f"{checkpoint.where(head)} differs from {embeddings}, and config.json says tie_word_embeddings; "
            "expected the same bits, or `tie_word_embeddings: false`"
        )


def _head(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.names.head}.weight"
