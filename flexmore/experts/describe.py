"""Check a checkpoint and say what it holds: what `source.json` records of an expert."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from flexmore.architectures.forward import forward_config, mixing_config
from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.completeness import check_names, check_tensors
from flexmore.checkpoints.folder import INDEX, count_experts, indexed_shards, needed_files, read_config
from flexmore.checkpoints.identity import digest_tensor, expert_tensors, public_tensors
from flexmore.checkpoints.reader import Checkpoint
from flexmore.config.experts import SizeSettings
from flexmore.errors import CheckpointError
from flexmore.experts.tokenizer import check_tokenizer
from flexmore.files import fingerprint, sha256_of
from flexmore.hub.models import Entry


def describe(folder: Path, name: str, known: Mapping[str, Entry] | None = None) -> dict[str, Any]:
    """Check every tensor of a checkpoint and return what it holds.

    Args:
        name: the expert's, or `public`.
        known: size and SHA-256 of files that have been measured already.

    Returns:
        `fingerprint`, `sizes`, `files` (size and SHA-256), `public_config` (what of the configuration decides what
        the public weights compute), `mixing_config` (what of it decides how experts are mixed) and `public_tensors`
        (digests of the tensors shared with the public model).

    Raises:
        CheckpointError: the number of experts is wrong, a file or tensor is missing, a tensor is none of the
            architecture, a shape is wrong, a weight is NaN or infinite, or the tokenizer does not fit.
    """
    checkpoint = Checkpoint(folder)
    _check_experts(folder, name, checkpoint.experts)
    check_tokenizer(folder, checkpoint.sizes.vocabulary)
    check_tensors(checkpoint)
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
    forward = forward_config(checkpoint.config)
    weights = [*checkpoint.files, "config.json", "tokenizer.json"]
    return {
        "fingerprint": fingerprint({file: files[file]["sha256"] for file in weights}),
        "sizes": asdict(checkpoint.sizes),
        "files": dict(sorted(files.items())),
        "public_config": {**forward, "tokenizer": files["tokenizer.json"]["sha256"]},
        "mixing_config": mixing_config(checkpoint.config),
        "public_tensors": shared,
    }


def check_before_weights(folder: Path, name: str, stated: SizeSettings | None, weights: Collection[str]) -> None:
    """Check what can be known without the weights: number of experts, sizes, shards, names of tensors, tokenizer.

    Args:
        folder: holds `config.json`, the tokenizer and the index, if there is one.
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
    if indexed_shards(folder):
        check_names(Checkpoint(folder))
    check_tokenizer(folder, ModelSizes.from_config(config).vocabulary)


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
