"""What a mixture answered to each item of a task: one compressed line of JSON, beside the score that it led to.

A line holds `task`, `content` (the fingerprint of prompts and documents that it answers) and either `loglikelihoods`, a
list for each item, in the order of its choices, or `texts` and `parsed`. Lines are gzip members of their own, so that
those of a mixture's tasks are joined by concatenation.
"""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexmore.errors import FlexmoreError

_DIGITS = 6
"""Of a loglikelihood, behind the point."""


@dataclass(frozen=True)
class TaskAnswers:
    """Of one task, an entry an item.

    Attributes:
        loglikelihoods: of each choice; of the whole text for rolling ones. Empty where texts were generated.
        texts: generated. parsed: what the task's filters, or its own reading, found in them.
    """

    loglikelihoods: Sequence[Sequence[float]] = ()
    texts: Sequence[str] = ()
    parsed: Sequence[str] = ()

    def packed(self, task: str, content: str) -> bytes:
        """The line; the same answers are the same bytes."""
        kept: dict[str, Any] = {"task": task, "content": content}
        if self.texts:
            kept |= {"texts": list(self.texts), "parsed": list(self.parsed)}
        else:
            kept["loglikelihoods"] = [[round(value, _DIGITS) for value in item] for item in self.loglikelihoods]
        line = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"
        return gzip.compress(line.encode(), compresslevel=6, mtime=0)


def join(lines: Iterable[bytes]) -> bytes:
    """The file of a mixture from the lines of its tasks."""
    return b"".join(lines)


def read_answers(path: Path, task: str) -> Mapping[str, Any]:
    """The line of one task from a mixture's file.

    Raises:
        FlexmoreError: the file is missing or damaged, or has no line for the task.
    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode().split("\n")
        found: dict[str, Mapping[str, Any]] = {line["task"]: line for line in map(json.loads, filter(None, lines))}
    except FileNotFoundError:
        raise FlexmoreError(
            f"{path}: not found; evaluate the sweep, which keeps the answers beside its scores"
        ) from None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise FlexmoreError(f"{path}: not a file of answers ({error}); evaluate the sweep again") from None
    if task not in found:
        raise FlexmoreError(f"{path}: no answers to {task}; it has {', '.join(found) or 'none'}")
    return found[task]
