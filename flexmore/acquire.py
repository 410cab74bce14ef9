"""Experts into `experts/<name>/`: trained here or linked from a folder, checked tensor by tensor, described."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from flexmore.checkpoints import Checkpoint, digest, expert_tensors, public_tensors
from flexmore.config import FolderSource, Study
from flexmore.errors import CheckpointError
from flexmore.files import fingerprint, sha256_of, write_json


def acquire(study: Study, name: str) -> None:
    """Put one expert (or `public`) of a study into its folder; `source.json`, written last, says that it is whole.

    Raises:
        CheckpointError: the checkpoint is not what an expert of this family has to be; names file and tensor.
    """
    layout = study.layout
    folder = layout.expert(name)
    if folder.exists():  # left by a run that was killed, or about to be replaced: source.json alone makes it count
        shutil.rmtree(folder)
    source = study.experts[name]
    if isinstance(source, FolderSource):
        _link(Path(source.path), folder)
    else:
        from flexmore.pocket import training

        cache = layout.cache / "training" / name
        if name == "public":
            training.train_public(folder, cache, study.pocket, study.seed)
        else:
            training.train_expert(name, layout.expert("public"), folder, cache, study.pocket, study.seed)
    write_json(folder / "source.json", {"expert": name, **source.model_dump(), **describe(folder, name)})


def describe(folder: Path, name: str) -> dict[str, Any]:
    """Check a checkpoint and say what it holds: sizes and SHA-256 of files, digests of the tensors it shares.

    Raises:
        CheckpointError: wrong number of experts, a missing tensor or shard, a wrong shape, NaN or infinity.
    """
    checkpoint = Checkpoint(folder)
    expected = 1 if name == "public" else 2
    if checkpoint.experts != expected:
        raise CheckpointError(
            f"{folder / 'config.json'}: {checkpoint.experts} experts; expected {expected} for "
            + ("the public model" if name == "public" else "an expert's checkpoint (public and the expert)")
        )
    if not (folder / "tokenizer.json").is_file():
        raise CheckpointError(f"{folder}: no tokenizer.json; expected the model's tokenizer beside its weights")
    shared = {}
    for tensor_name, tensor in public_tensors(checkpoint):
        _check_finite(folder, tensor_name, tensor)
        shared[tensor_name] = digest(tensor)
    if expected == 2:
        for tensor_name, tensor in expert_tensors(checkpoint):
            _check_finite(folder, tensor_name, tensor)
    files = {
        file: {"size": (folder / file).stat().st_size, "sha256": sha256_of(folder / file)}
        for file in sorted([*checkpoint.files, "config.json", "tokenizer.json"])
    }
    return {
        "fingerprint": fingerprint({file: entry["sha256"] for file, entry in files.items()}),
        "architecture": asdict(checkpoint.architecture),
        "files": files,
        "public_config": {**checkpoint.public_config, "tokenizer": files["tokenizer.json"]["sha256"]},
        "public_tensors": shared,
    }


def _link(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and file.name != "source.json":
            (folder / file.name).symlink_to(file.resolve())


def _check_finite(folder: Path, name: str, tensor: torch.Tensor) -> None:
    if not torch.isfinite(tensor).all():
        raise CheckpointError(f"{folder}: tensor {name} holds NaN or infinity; expected finite weights")
