"""The score cache: `scores/<fingerprint>/<task>.json`, one task's result of one mixture, written as soon as
it is known; beside it `<task>.answers.gz`, what was answered to each item, written before it.

A record is named by what its mixture's weights were made from, and believed only if the key inside says that
everything else was the same too: the task's prompts, documents, targets, metric and settings, the dtype, the
tokenizer, the engine's revision. Library versions, device, batch size and commit stand beside it.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flexmore.files import fingerprint, write_bytes, write_json


def task_key(mixture: str, content: str, dtype: str, engine: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The key of one task's result.

    Args:
        mixture: the recipe's fingerprint: weights at effective ranks, active experts.
        content: the task's (`PreparedTask.content`).
        dtype: in which the model computes.
        engine: `MixtureLM.identity`.
        settings: limit and seed.
    """
    return fingerprint(
        {"mixture": mixture, "task": content, "dtype": dtype, "engine": dict(engine), "settings": dict(settings)}
    )


class ScoreCache:
    """Records under one folder.

    Args:
        folder: `cache/scores` of a family.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, mixture: str, task: str) -> Path:
        """Where the record of a task lies."""
        return self.folder / mixture / f"{task}.json"

    def get(self, mixture: str, task: str, key: str) -> dict[str, Any] | None:
        """The record stored under `key`, or None: never stored, stored for something else, or half-written."""
        try:
            stored = json.loads(self.path(mixture, task).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(stored, dict) or stored.get("key") != key or stored.get("check") != _check(stored):
            return None
        return stored

    def put(
        self, mixture: str, task: str, key: str, result: Mapping[str, Any], versions: Mapping[str, str], answers: bytes
    ) -> dict[str, Any]:
        """Store a result with its answers, at once and whole; it replaces what an older key had left there.

        Args:
            answers: to each item, packed (`flexmore.evaluation.results.answers`); the record names them by their
                hash, so that a score is never read with answers that did not lead to it.

        Returns:
            The record, as `get` gives it.
        """
        write_bytes(self._answers(mixture, task), answers)
        record: dict[str, Any] = {"key": key, "result": dict(result), "versions": dict(versions)}
        record |= {"answers": hashlib.sha256(answers).hexdigest()}
        record |= {"check": _check(record)}
        write_json(self.path(mixture, task), record, indent=None)
        return record

    def answers(self, mixture: str, task: str, record: Mapping[str, Any]) -> bytes:
        """The answers that a record's score was made from; empty where they are gone, or were not kept yet."""
        try:
            found = self._answers(mixture, task).read_bytes()
        except OSError:
            return b""
        return found if hashlib.sha256(found).hexdigest() == record.get("answers") else b""

    def _answers(self, mixture: str, task: str) -> Path:
        return self.folder / mixture / f"{task}.answers.gz"


def _check(record: Mapping[str, Any]) -> str:
    told = [record.get("key"), record.get("result"), record.get("versions")]
    return fingerprint([*told, record["answers"]] if "answers" in record else told)
