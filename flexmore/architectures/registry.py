"""Every architecture that is known here, found by what `config.json` says."""

from collections.abc import Mapping
from typing import Any

from flexmore.architectures.architecture import Architecture
from flexmore.architectures.flex_olmo import FLEX_OLMO
from flexmore.architectures.flexmore import FLEXMORE
from flexmore.architectures.olmo2 import OLMO2
from flexmore.errors import FlexmoreError

_KNOWN = (OLMO2, FLEX_OLMO, FLEXMORE)


def architectures() -> tuple[Architecture, ...]:
    """Return every known architecture."""
    return _KNOWN


def architecture_named(model_type: str) -> Architecture:
    """Return the architecture of a model type.

    Raises:
        FlexmoreError: the model type is not known.
    """
    return architecture_of({"model_type": model_type})


def architecture_of(config: Mapping[str, Any]) -> Architecture:
    """Return the architecture of a model from its `config.json`: by class name, or by model type where it names none.

    Raises:
        FlexmoreError: the architecture is not known, class name and model type are not of the same, or the
            configuration has a value for which its parameter counts do not hold.
    """
    classes = config.get("architectures")
    key = "class_name" if classes else "model_type"
    name = classes[0] if classes else config.get("model_type")
    found = next((known for known in _KNOWN if getattr(known, key) == name), None)
    if found is None:
        expected = " or ".join(getattr(known, key) for known in _KNOWN)
        raise FlexmoreError(f"architecture {name or 'nothing'}; expected {expected}")
    if (kind := config.get("model_type", found.model_type)) != found.model_type:
        raise FlexmoreError(
            f"architectures names {found.class_name} and model_type is {kind!r}, by which transformers chooses its "
            f"code; expected {found.model_type!r}"
        )
    for option, value in found.fixed:
        if config.get(option, value) != value:
            raise FlexmoreError(f"{option} is {config[option]!r}; expected {value!r} of {found.class_name}")
    return found
