"""What all sections of a configuration share."""

from pydantic import BaseModel, ConfigDict, ValidationInfo

ELSEWHERE = "elsewhere"
"""Key of a validation's context: folders that the configuration names need not be here."""


def is_elsewhere(info: ValidationInfo) -> bool:
    """Tell whether a configuration is checked whose folders need not be here."""
    return bool((info.context or {}).get(ELSEWHERE))


class Settings(BaseModel):
    """Hold a section: unknown keys are errors, values are not converted, and nothing can be changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
