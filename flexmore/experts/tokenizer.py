"""Whether the tokenizer beside a checkpoint fits its weights."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from flexmore.errors import CheckpointError
from flexmore.files import read_json

_CONFIG = "tokenizer_config.json"
_SPECIAL = "special_tokens_map.json"


def check_tokenizer(folder: Path, vocabulary: int) -> None:
    """Check that a checkpoint has a tokenizer whose tokens all have embeddings and one of which ends a text.

    Args:
        vocabulary: rows of the embeddings.

    Raises:
        CheckpointError: a file is missing or is no tokenizer, a token has no embedding, or none ends a text.
    """
    path = folder / "tokenizer.json"
    for file in (path, folder / _CONFIG):
        if not file.is_file():
            raise CheckpointError(f"{folder}: no {file.name}; expected the model's tokenizer beside its weights")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no class of its own
        raise CheckpointError(f"{path}: {error}; expected a tokenizer of the library `tokenizers`") from None
    tokens = tokenizer.get_vocab(with_added_tokens=True)
    last = max(tokens, key=lambda token: int(tokens[token]), default=None)
    if last is None or tokens[last] >= vocabulary:
        found = "no tokens" if last is None else f"token {last!r} has id {tokens[last]}"
        raise CheckpointError(
            f"{path}: {found}, config.json says vocab_size {vocabulary}; expected ids from 0 to {vocabulary - 1}"
        )
    end = _end_token(folder)
    if end not in tokens:
        raise CheckpointError(
            f"{folder / _CONFIG}: eos_token is {end!r}, {'none' if end is None else 'not a token of tokenizer.json'}; "
            "expected the token that ends a text"
        )


def _end_token(folder: Path) -> str | None:
    """Return the end token that the tokenizer's configuration names."""
    for name in (_CONFIG, _SPECIAL):
        content: Any = read_json(folder / name) if (folder / name).is_file() else {}
        found = content.get("eos_token") if isinstance(content, dict) else None
        if isinstance(found, dict):
            found = found.get("content")
        if isinstance(found, str):
            return found
    return None
