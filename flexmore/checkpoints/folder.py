"""The files of a checkpoint's folder: which are read, what `config.json` says, and copies and links; needs no torch."""

import re
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flexmore.architectures.registry import architecture_of
from flexmore.architectures.sizes import ModelSizes
from flexmore.errors import CheckpointError, FlexmoreError
from flexmore.files import read_json

INDEX = "model.safetensors.index.json"
"""The file that says which shard holds which tensor."""
SINGLE = "model.safetensors"
"""The file of weights where there is one alone."""
GENERATION = "generation_config.json"

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
_OTHERS = {"config.json", GENERATION, INDEX, *_TOKENIZER, "added_tokens.json", "vocab.json", "merges.txt"}
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")


def needed_files(names: Collection[str]) -> list[str]:
    """Return, sorted, which of a checkpoint's files are read: never pickles, nor weights beside those of the index."""
    whole = INDEX not in names
    weights = [name for name in names if (name == SINGLE if whole else _SHARD.fullmatch(name))]
    return sorted([*_OTHERS.intersection(names), *weights])


def read_weight_map(folder: Path) -> dict[str, str]:
    """Return which shard holds which tensor, as the index of a folder says; empty where there is no index.

    Raises:
        CheckpointError: the index does not say it, or names a file that is not beside it.
    """
    path = folder / INDEX
    if not path.is_file():
        return {}
    content = read_json(path)
    found = content.get("weight_map") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping) or not found:
        raise CheckpointError(f"{path}: no weight_map; expected the file of each tensor, as save_pretrained writes it")
    for name, file in found.items():
        if not isinstance(file, str) or Path(file).name != file:
            raise CheckpointError(f"{path}: weight_map, {name} is {file!r}; expected the name of a file beside it")
    return dict(found)


def indexed_shards(folder: Path) -> set[str]:
    """Return the shards that the index of a folder names; none where there is no index."""
    return set(read_weight_map(folder).values())


def read_config(folder: Path) -> dict[str, Any]:
    """Return the `config.json` of a checkpoint.

    Raises:
        CheckpointError: it is missing, its architecture is not known, or it lacks a size; the message names the file.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder}: no config.json; expected a checkpoint folder as on the Hugging Face hub")
    config: dict[str, Any] = read_json(path)
    if not isinstance(config, dict):
        raise CheckpointError(f"{path}: found {type(config).__name__}; expected keys and values")
    try:
        ModelSizes.from_config(config)
        count_experts(config)
    except FlexmoreError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return config


def count_experts(config: Mapping[str, Any]) -> int:
    """Return how many experts the `config.json` of a checkpoint counts, the public one included.

    Raises:
        CheckpointError: it counts none.
    """
    if not (architecture := architecture_of(config)).routed:
        return 1
    found = config.get("num_experts", config.get("num_local_experts"))
    if not isinstance(found, int) or found < 1:
        raise CheckpointError(f"num_experts is {found!r}; expected how many experts {architecture.class_name} has")
    return found


def link_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Link files of one folder into another, which exists."""
    for name in names:
        (target / name).symlink_to((source / name).resolve())


def copy_tokenizer(source: Path, target: Path, also: Sequence[str] = (GENERATION,)) -> None:
    """Copy the files of the tokenizer, and others of the same folder, as far as they exist."""
    for name in (*_TOKENIZER, *also):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
