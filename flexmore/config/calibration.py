"""Section `calibration`: the published scores that the public model has to reproduce."""

from pydantic import Field, StrictInt, model_validator

from flexmore.config.base import Settings


class CalibrationSettings(Settings):
    """Hold the published scores that the public model is compared with, and how far it may be from them."""

    reference: dict[str, float] = Field(
        default_factory=dict, description="group: its published score in points, 0 to 100"
    )
    source: str = Field("", description="where the published scores come from; printed below the table")
    metrics: dict[str, str] = Field(
        default_factory=dict,
        description="group: the metric of its published score, if it is not the suite's primary one",
    )
    limit: StrictInt | None = Field(100, ge=1, description="the most items of each task; null: all")
    errors: float = Field(3.0, ge=0, description="how many standard errors a group may differ, plus `points`")
    points: float = Field(2.0, ge=0, description="how many points a group may differ beyond its standard errors")
    required: bool = Field(False, description="evaluate mixtures only after the calibration has passed")

    @model_validator(mode="after")
    def _compares(self) -> "CalibrationSettings":
        if self.required and not self.reference:
            raise ValueError("required: found true without a `reference`; give the points that each group should have")
        if wrong := [f"{group}: {points}" for group, points in self.reference.items() if not 0 <= points <= 100]:
            raise ValueError(f"reference: found {wrong[0]}; allowed are points from 0 to 100")
        return self
