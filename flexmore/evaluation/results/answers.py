"""Files of what a mixture answered to each item: a compressed line of JSON for each task.

A line holds `task`, `content` (the fingerprint of the prompts and documents that it answers) and either
`loglikelihoods`, a list for each item in the order of its choices, or `texts` and `parsed`. Each line is a gzip member,
so the lines of a mixture's tasks are joined by concatenation.
"""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexmore.errors import FlexmoreError

_DECIMALS = 6
"""How many decimals of a loglikelihood are kept."""


@dataclass(frozen=True)
class TaskAnswers:
    """Hold what a model answered to the items of one task, in their order.

    Attributes:
        loglikelihoods: for each item, of its choices, or of the whole text; empty if texts were generated.
        texts: for each item, the generated text.
        parsed: for each item, what the task's filters, or its own reading, found in the text.
    """

    loglikelihoods: Sequence[Sequence[float]] = ()
    texts: Sequence[str] = ()
    parsed: Sequence[str] = ()

    def to_line(self, task: str, content: str) -> bytes:
        """Return the answers as a line of a file; the same answers give the same bytes.

        Args:
            content: the fingerprint of the task's prompts and documents.
        """
        kept: dict[str, Any] = {"task": task, "content": content}
        if self.texts:
            kept |= {"texts": list(self.texts), "parsed": list(self.parsed)}
        else:
            kept["loglikelihoods"] = [[round(value, _DECIMALS) for value in item] for item in self.loglikelihoods]
        line = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"
        return gzip.compress(line.encode(), compresslevel=6, mtime=0)


def join_lines(lines: Iterable[bytes]) -> bytes:
    """Return the content of a mixture's file from the lines of its tasks."""
    return b"".join(lines)


def read_answers(path: Path, task: str) -> Mapping[str, Any]:
    """Return the line of one task from a mixture's file.

    Raises:
        FlexmoreError: the file is missing or damaged, or has no line for the task.
    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode().split("\n")
        found: dict[str, Mapping[str, Any]] = {line["task"]: line for line in map(json.loads, filter(None, lines))}
    except FileNotFoundError:
        raise FlexmoreError(f"{path}: not found; evaluate the sweep, which writes answers as well as scores") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise FlexmoreError(f"{path}: not a file of answers ({error}); evaluate the sweep again") from None
    if task not in found:
        raise FlexmoreError(f"{path}: no answers to {task}; it has {', '.join(found) or 'none'}")
    return found[task]
