"""Experts into `experts/<name>/`: trained here, linked from a folder or fetched from the hub; checked, described."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from flexmore.architectures.sizes import ModelSizes
from flexmore.checkpoints.family import check_sources, read_source
from flexmore.checkpoints.identity import digest, expert_tensors, public_tensors
from flexmore.checkpoints.reader import Checkpoint, count_experts, read_config
from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import fingerprint, read_json, sha256_of, write_json
from flexmore.hub.models import Entry, ModelHub, check_disk, needed

_PIN = "revision.json"


def acquire(study: Study, name: str, hub: ModelHub | None = None, update: bool = False) -> None:
    """Put one expert (or `public`) of a study into its folder; `source.json`, written last, says that it is whole.

    Args:
        hub: where repositories are fetched from; None for the Hugging Face hub.
        update: whether a revision that moved on the hub since it was first acquired may be taken.

    Raises:
        CheckpointError: the checkpoint is not what an expert of this family has to be; names file and tensor.
        FlexmoreError: it cannot be fetched, or its revision moved.
    """
    folder, source = study.paths.expert(name), study.experts[name]
    files: dict[str, Entry] = {}
    origin = {}
    if isinstance(source, HubSource):
        commit, files = _download(study, name, source, hub or ModelHub(), update)
        origin["commit"] = commit
    else:
        if folder.exists():  # left by a run that was killed, or about to be replaced: source.json alone makes it count
            shutil.rmtree(folder)
        if isinstance(source, FolderSource):
            _link(Path(source.path), folder)
            _check_config(study, name, folder, [file.name for file in folder.glob("*.safetensors")])
        else:
            _train(study, name, folder)
    content = {"expert": name, **source.model_dump(), **origin, **describe(folder, name, files)}
    if name != "public" and (study.paths.expert("public") / "source.json").is_file():
        check_sources(study.paths, {"public": read_source(study.paths, "public"), name: content})
    write_json(folder / "source.json", content)


def describe(folder: Path, name: str, known: Mapping[str, Entry] | None = None) -> dict[str, Any]:
    """Check a checkpoint and say what it holds: sizes and SHA-256 of files, digests of the tensors it shares.

    Args:
        known: what has been measured of its files already.

    Raises:
        CheckpointError: wrong number of experts, a missing tensor or shard, a wrong shape, NaN or infinity.
    """
    checkpoint = Checkpoint(folder)
    _check_experts(folder, name, checkpoint.experts)
    if not (folder / "tokenizer.json").is_file():
        raise CheckpointError(f"{folder}: no tokenizer.json; expected the model's tokenizer beside its weights")
    shared = {}
    for tensor_name, tensor in public_tensors(checkpoint):
        _check_finite(folder, tensor_name, tensor)
        shared[tensor_name] = digest(tensor)
    if name != "public":
        for tensor_name, tensor in expert_tensors(checkpoint):
            _check_finite(folder, tensor_name, tensor)
    files = dict(known or {})
    for file in {*checkpoint.files, *needed([path.name for path in folder.iterdir()])} - files.keys():
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


def _download(study: Study, name: str, source: HubSource, hub: ModelHub, update: bool) -> tuple[str, dict[str, Entry]]:
    """Fetch a repository, the small files first and checked before the weights; returns commit and files."""
    folder = study.paths.expert(name)
    repository = hub.find(source.repo, source.revision)
    _pin(folder / _PIN, name, source, repository.commit, update)
    _clear(folder, {_PIN, *repository.files, *(file.part for file in repository.files.values())})
    check_disk(repository, folder)
    weights = [file for file in repository.files if file.endswith(".safetensors")]
    files = hub.fetch(repository, repository.files.keys() - weights, folder)
    _check_config(study, name, folder, weights)
    return repository.commit, files | hub.fetch(repository, weights, folder)


def _pin(path: Path, name: str, source: HubSource, commit: str, update: bool) -> None:
    """Record the commit that a revision meant when it was first acquired; refuse another one.

    A file of its own, since Snakemake deletes `source.json` before it acquires again.
    """
    asked = source.model_dump(include={"repo", "revision"})
    if path.is_file() and not update:
        before = read_json(path)
        if before == {**asked, "commit": before.get("commit")} and before["commit"] != commit:
            raise FlexmoreError(
                f"{source.repo}: revision {source.revision} was {before['commit']} when it was first acquired and is "
                f"{commit} now; to keep the first write `revision: {before['commit']}`, to take the new one run "
                f"`flexmore acquire {name} --update`"
            )
    write_json(path, {**asked, "commit": commit})


def _clear(folder: Path, keep: Collection[str]) -> None:
    """Empty an expert's folder of all that does not belong to it now: links, another commit's files, `source.json`."""
    for path in folder.iterdir():
        if path.is_symlink() or path.is_file():
            if path.is_symlink() or path.name not in keep:
                path.unlink()
        else:
            shutil.rmtree(path)


def _link(source: Path, folder: Path) -> None:
    """Link what is read of a checkpoint; its index may name shards in any way."""
    names = [file.name for file in source.iterdir() if file.is_file()]
    index = source / "model.safetensors.index.json"
    shards = set(read_json(index)["weight_map"].values()) if index.is_file() else set()
    folder.mkdir(parents=True)
    for name in sorted({*needed(names), *shards.intersection(names)}):
        (folder / name).symlink_to((source / name).resolve())


def _train(study: Study, name: str, folder: Path) -> None:
    from flexmore.pocket import training

    paths = study.paths
    cache = paths.cache / "training" / name
    if name == "public":
        training.train_public(folder, cache, study.pocket, study.seed)
    else:
        training.train_expert(name, paths.expert("public"), folder, cache, study.pocket, study.seed)


def _check_config(study: Study, name: str, folder: Path, weights: Collection[str]) -> None:
    """What can be known before the weights: sizes, number of experts, sizes, shards."""
    config = read_config(folder)
    _check_experts(folder, name, count_experts(config))
    if study.sizes is not None:
        found, stated = asdict(ModelSizes.from_config(config)), study.sizes.model_dump()
        for key, value in stated.items():
            if found[key] != value:
                raise CheckpointError(
                    f"{folder / 'config.json'}: {key} is {found[key]}, the configuration's `sizes` "
                    f"states {value}; correct or remove `sizes`, or name another checkpoint"
                )
    index = folder / "model.safetensors.index.json"
    named = set(read_json(index)["weight_map"].values()) if index.is_file() else set()
    if missing := sorted(named.difference(weights)):
        raise CheckpointError(f"{index}: it names {missing[0]}, which is missing; expected every shard beside it")


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
