"""The score cache: a record for each mixture, task and way of evaluating it.

`scores/<fingerprint>/<task>.<key>.json` is the result of one mixture on one task, with `<task>.<key>.answers.gz`, what
was answered to each item; `<key>` is the beginning of the key, so that another limit or another version of the task
removes nothing. Both are written as soon as they are known, the answers first.

The folder of a record is the fingerprint of what its mixture's weights were made from. A record is used only if the key
inside says that everything else was the same too: the task's prompts, documents, targets, metric and settings, the
dtype, the tokenizer, the revisions of the engine and of what a result holds. Library versions, device, batch size and
commit are recorded, but are no part of the key.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexmore.files import fingerprint, write_bytes, write_json
from flexmore.revisions import RESULTS_REVISION

_SHOWN = 12
"""How much of a key stands in the names of its files; the record holds all of it."""


def task_key(mixture: str, content: str, dtype: str, engine: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the key of one task's result.

    Args:
        mixture: the recipe's fingerprint: weights at effective ranks, active experts.
        content: the task's fingerprint (`PreparedTask.content`).
        dtype: the dtype in which the model computes.
        engine: `MixtureLM.identity`.
        settings: limit and seed.
    """
    known = {"mixture": mixture, "task": content, "dtype": dtype, "engine": dict(engine), "settings": dict(settings)}
    return fingerprint(known | {"results": RESULTS_REVISION})


class ScoreCache:
    """Keep records in a folder, such as `cache/scores` of a family."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, mixture: str, task: str, key: str) -> Path:
        """Return where the record of a task is."""
        return self.folder / mixture / f"{task}.{key[:_SHOWN]}.json"

    def get(self, mixture: str, task: str, key: str) -> dict[str, Any] | None:
        """Return the record stored under `key`; None if there is none, or it is damaged."""
        try:
            stored = json.loads(self.path(mixture, task, key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(stored, dict) or stored.get("key") != key or stored.get("check") != _check(stored):
            return None
        return stored

    def put(
        self, mixture: str, task: str, key: str, result: Mapping[str, Any], versions: Mapping[str, str], answers: bytes
    ) -> dict[str, Any]:
        """Store a result with its answers; records with other keys stay.

        Args:
            answers: a line of `flexmore.evaluation.results.answers`; the record holds its hash, so that a score is
                never read with answers that did not lead to it.

        Returns:
            The record, as `get` returns it.
        """
        write_bytes(self._answers(mixture, task, key), answers)
        record: dict[str, Any] = {"key": key, "result": dict(result), "versions": dict(versions)}
        record |= {"answers": hashlib.sha256(answers).hexdigest()}
        record |= {"check": _check(record)}
        write_json(self.path(mixture, task, key), record, indent=None)
        return record

    def answers(self, mixture: str, task: str, record: Mapping[str, Any]) -> bytes:
        """Return the answers that a record's score was made from; empty if they are missing or were never kept."""
        try:
            found = self._answers(mixture, task, str(record["key"])).read_bytes()
        except OSError:
            return b""
        return found if hashlib.sha256(found).hexdigest() == record.get("answers") else b""

    def _answers(self, mixture: str, task: str, key: str) -> Path:
        return self.folder / mixture / f"{task}.{key[:_SHOWN]}.answers.gz"


def _check(record: Mapping[str, Any]) -> str:
    hashed = [record.get("key"), record.get("result"), record.get("versions")]
    return fingerprint([*hashed, record["answers"]] if "answers" in record else hashed)
