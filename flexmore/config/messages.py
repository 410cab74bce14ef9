"""Messages about what is wrong with a configuration: a line for each key."""

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from flexmore.config.experts import SOURCES
from flexmore.config.names import PATTERNS, REMOVED, RENAMED


def explain(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Return one of pydantic's errors as a line: key, value, what is allowed.

    Args:
        model: the model that was checked.
    """
    parts = [
        part
        for i, part in enumerate(problem["loc"])
        if not (i == 2 and problem["loc"][0] == "experts" and part in SOURCES)
    ]
    key = ".".join(str(part) for part in parts)
    found = problem["input"]
    match problem["type"]:
        case "string_type" if parts[-1] == "[key]":
            above = ".".join(str(part) for part in parts[:-2])
            return f"{above}: found the name {found!r}, which YAML reads as no text; put it in quotes or choose another"
        case "extra_forbidden" if key in RENAMED:
            return f"{key}: this key is now `{RENAMED[key]}`"
        case "extra_forbidden" if key in REMOVED:
            return f"{key}: there is no such key any more: {REMOVED[key]}; delete it"
        case "extra_forbidden":
            return f"{key}: unknown key (value {found!r}); {suggest(str(parts[-1]), _allowed_keys(parts, model))}"
        case "missing":
            return f"{key}: missing"
        case "string_pattern_mismatch":
            allowed = PATTERNS.get(problem["ctx"]["pattern"], problem["ctx"]["pattern"])
            return f"{key}: found {found!r}; allowed are {allowed}"
        case "value_error":
            message = str(problem["ctx"]["error"])
            if isinstance(found, dict | BaseModel):
                return f"{key}.{message}" if key else message
            return f"{key}: found {found!r}; {message}"
        case "union_tag_invalid" | "union_tag_not_found":
            known = ", ".join(f"source: {name}" for name in SOURCES)
            return f"{key}: found {found!r}; expected a mapping with one of {known}"
        case _:
            message = re.sub(r"^Input should be ", "expected ", problem["msg"])
            return f"{key}: found {found!r}; {message}"


def _allowed_keys(parts: list[Any], model: Any) -> list[str]:
    """Return the keys that are allowed in the place of the last of `parts`."""
    if parts[0] == "experts":
        return list(dict.fromkeys(key for source in SOURCES.values() for key in source.model_fields))
    for part in parts[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            model = model_inside(model.model_fields[part].annotation) if part in model.model_fields else None
        if model is None:
            return []
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def model_inside(annotation: Any) -> Any:
    """Return the model inside an optional, list or dict annotation, if there is just one."""
    if get_origin(annotation) in (Union, types.UnionType, list, dict, Annotated):
        models = [inner for a in get_args(annotation) if (inner := model_inside(a)) is not None]
        return models[-1] if len(models) == 1 else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def suggest(name: str, known: Sequence[str]) -> str:
    """Return text that says which names are allowed, the closest one first."""
    if close := difflib.get_close_matches(name, known, n=1):
        return f"did you mean {close[0]}? allowed are {_listed(known)}"
    return f"allowed are {_listed(known)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
