"""Check a checkpoint and say what it holds: what `source.json` records of an expert."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.folder import INDEX, count_experts, indexed_shards, needed_files, read_config
from flexmore.checkpoints.identity import digest_tensor, expert_tensors, public_tensors
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.experts import SizeSettings
from flexmore.errors import CheckpointError
from flexmore.files import fingerprint, sha256_of
from flexmore.hub.models import Entry


def describe(folder: Path, name: str, known: Mapping[str, Entry] | None = None) -> dict[str, Any]:
    """Check every tensor of a checkpoint and return what it holds.

    Args:
        name: the expert's, or `public`.
        known: size and SHA-256 of files that have been measured already.

    Returns:
        `fingerprint`, `sizes`, `files` (size and SHA-256), `public_config` (what of the configuration decides what
        the public weights compute) and `public_tensors` (digests of the tensors shared with the public model).

    Raises:
        CheckpointError: the number of experts is wrong, a file or tensor is missing, a shape is wrong, or a weight is
            NaN or infinite.
    """
    checkpoint = Checkpoint(folder)
    _check_experts(folder, name, checkpoint.experts)
    if not (folder / "tokenizer.json").is_file():
        raise CheckpointError(f"{folder}: no tokenizer.json; expected the model's tokenizer beside its weights")
    shared = {}
    for tensor_name, tensor in public_tensors(checkpoint):
        _check_finite(folder, tensor_name, tensor)
        shared[tensor_name] = digest_tensor(tensor)
    if name != "public":
        for tensor_name, tensor in expert_tensors(checkpoint):
            _check_finite(folder, tensor_name, tensor)
    files = dict(known or {})
    for file in {*checkpoint.files, *needed_files([path.name for path in folder.iterdir()])} - files.keys():
        files[file] = {"size": (folder / file).stat().st_size, "sha256": sha256_of(folder / file)}
    forward = checkpoint.architecture.forward_config(checkpoint.config)
    weights = [*checkpoint.files, "config.json", "tokenizer.json"]
    return {
        "fingerprint": fingerprint({file: files[file]["sha256"] for file in weights}),
        "sizes": asdict(checkpoint.sizes),
        "files": dict(sorted(files.items())),
        "public_config": {**forward, "tokenizer": files["tokenizer.json"]["sha256"]},
        "public_tensors": shared,
    }


def check_before_weights(folder: Path, name: str, stated: SizeSettings | None, weights: Collection[str]) -> None:
    """Check what can be known without the weights: number of experts, sizes, shards.

    Args:
        folder: holds `config.json` and the index, if there is one.
        name: the expert's, or `public`.
        stated: the sizes that the study's configuration states.
        weights: the names of the files of weights that are there or will be.

    Raises:
        CheckpointError: names the file, what was found and what was expected.
    """
    config = read_config(folder)
    _check_experts(folder, name, count_experts(config))
    if stated is not None:
        found, expected = ModelSizes.from_config(config), ModelSizes(**stated.model_dump())
        for key in (*stated.model_fields_set, "head_width"):
            if getattr(found, key) != getattr(expected, key):
                raise CheckpointError(
                    f"{folder / 'config.json'}: {key} is {getattr(found, key)}, the configuration's `sizes` "
                    f"states {getattr(expected, key)}; correct or remove `sizes`, or name another checkpoint"
                )
    if missing := sorted(indexed_shards(folder).difference(weights)):
        raise CheckpointError(
            f"{folder / INDEX}: it names {missing[0]}, which is missing; expected every shard beside it"
        )


def _check_experts(folder: Path, name: str, found: int) -> None:
    expected = 1 if name == "public" else 2
    if found != expected:
        raise CheckpointError(
            f"{folder / 'config.json'}: {found} experts; expected {expected} for "
            + ("the public model" if name == "public" else "an expert's checkpoint (public and the expert)")
        )


def _check_finite(folder: Path, name: str, tensor: torch.Tensor) -> None:
    if not torch.isfinite(tensor).all():
        raise CheckpointError(f"{folder}: tensor {name} holds NaN or infinity; expected finite weights")
