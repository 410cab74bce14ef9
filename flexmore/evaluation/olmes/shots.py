"""OLMES' curated shots, read from its source file as data, without running it."""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from flexmore.errors import FlexmoreError
from flexmore.evaluation.olmes.items import SHOTS, Item, Items

Examples = list[dict[str, Any]]


def read_curated(source: str) -> dict[str, Examples]:
    """Return the examples of every `FEWSHOT_SOURCES["name"] = [...]` that is a literal, by name."""
    found = {}
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value):
                try:
                    found[name] = ast.literal_eval(value)
                except ValueError:
                    continue
    return found


def curated_items(task: str, key: str, curated: Mapping[str, Examples], items: Callable[[Any], Items]) -> list[Item]:
    """Return the first five curated examples of a task as items; they are rows of its data set's train split.

    Args:
        key: the name of the examples.
        items: the task's `process_docs`.

    Raises:
        FlexmoreError: there are fewer than five examples of that name, or they lack a column.
    """
    from datasets import Dataset

    examples = curated.get(key, [])[:SHOTS]
    advice = "set `suite.shots: own` to show the train split's first rows"
    if len(examples) < SHOTS:
        raise FlexmoreError(f"OLMES' shots {key!r} for {task}: found {len(examples)}, expected {SHOTS}; {advice}")
    try:
        return list(items(Dataset.from_list(examples)))
    except (KeyError, TypeError, ValueError) as error:
        raise FlexmoreError(
            f"OLMES' shots {key!r} for {task}: found examples that are not rows of its data set "
            f"({type(error).__name__}: {error}); {advice}"
        ) from error
