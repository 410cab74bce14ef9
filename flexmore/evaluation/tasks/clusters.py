"""Clusters of items: those that ask about the same thing, such as a passage, in one task or in several."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flexmore.errors import FlexmoreError

CLUSTER = "cluster"
"""Key of a task's `metadata`: the field of its documents, or a list of fields, that says what an item is about."""
_DIGITS = 12


def cluster_fields(task: str, metadata: Any) -> tuple[str, ...] | None:
    """Return the fields whose values together name an item's cluster; None where the task declares none.

    Args:
        metadata: of the task's YAML.

    Raises:
        FlexmoreError: it is neither a name nor a list of names.
    """
    found = metadata.get(CLUSTER) if isinstance(metadata, Mapping) else None
    if found is None:
        return None
    fields = (found,) if isinstance(found, str) else tuple(found) if isinstance(found, Sequence) else ()
    if not fields or not all(isinstance(field, str) and field for field in fields):
        raise FlexmoreError(f"{task}: metadata.{CLUSTER}: found {found!r}; expected a field of its documents, or more")
    return fields


def clusters_of(task: str, fields: Sequence[str], documents: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the cluster of each document: a short hash of the values of `fields`, the same in every task.

    Raises:
        FlexmoreError: a document lacks a field.
    """
    return tuple(_cluster(task, fields, document) for document in documents)


def _cluster(task: str, fields: Sequence[str], document: Mapping[str, Any]) -> str:
    if lacking := [field for field in fields if document.get(field) is None]:
        raise FlexmoreError(
            f"{task}: metadata.{CLUSTER}: no field {lacking[0]!r} in a document; it has {', '.join(sorted(document))}"
        )
    values = [document[field] for field in fields]
    text = json.dumps(
        values[0] if len(values) == 1 else values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
