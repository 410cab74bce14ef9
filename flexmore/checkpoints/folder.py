"""Which files make up a checkpoint's folder, and how they come into another one; needs no torch."""

import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

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


def indexed_shards(folder: Path) -> set[str]:
    """Return the shards that the index of a folder names; none where there is no index."""
    index = folder / INDEX
    return set(read_json(index)["weight_map"].values()) if index.is_file() else set()


def link_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Link files of one folder into another, which exists."""
    for name in names:
        (target / name).symlink_to((source / name).resolve())


def copy_tokenizer(source: Path, target: Path, also: Sequence[str] = (GENERATION,)) -> None:
    """Copy the files of the tokenizer, and others of the same folder, as far as they exist."""
    for name in (*_TOKENIZER, *also):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
