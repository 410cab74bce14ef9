"""OLMES' curated shots, read from its source file as data, without running it."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from flexmore.errors import FlexmoreError
from flexmore.evaluation.olmes.items import Item

Examples = list[dict[str, Any]]


def read_curated(source: str) -> dict[str, Examples]:
    """Return the examples that are literals, by name.

    Args:
        source: statements `FEWSHOT_SOURCES["name"] = [...]` and `FEWSHOT_SOURCES.update({"name": [...]})`.
    """
    found = {}
    for name, value in _named(ast.parse(source)):
        try:
            found[name] = ast.literal_eval(value)
        except ValueError:
            continue
    return found


def _named(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that a module gives examples, with their expression."""
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))], value=value):
                yield name, value
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="update"), args=[ast.Dict(keys=keys, values=values)])):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.value, value


def curated_items(task: Mapping[str, Any], key: str, curated: Mapping[str, Examples]) -> list[Item]:
    """Return the curated examples of a task as items; it shows the first ones, others in the place of its own question.

    Args:
        task: its YAML, functions imported.
        key: the name of the examples, which are rows of its data set.

    Raises:
        FlexmoreError: there are too few examples of that name, or they lack a column.
    """
    from datasets import Dataset

    name, count = task["task"], int(task["num_fewshot"])
    examples = curated.get(key, [])
    advice = "set `suite.shots: own` to show the data set's first rows"
    if len(examples) < count:
        raise FlexmoreError(f"OLMES' shots {key!r} for {name}: found {len(examples)}, expected {count}; {advice}")
    try:
        return list(task["process_docs"](Dataset.from_list(examples)))
    except (KeyError, TypeError, ValueError) as error:
        raise FlexmoreError(
            f"OLMES' shots {key!r} for {name}: found examples that are not rows of its data set "
            f"({type(error).__name__}: {error}); {advice}"
        ) from error
