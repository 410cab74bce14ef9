"""What all sections of a configuration share."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Hold a section: unknown keys are errors, values are not converted, and nothing can be changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
