"""Section `calibration`: published scores that the public model has to reach."""

from pydantic import Field, StrictInt, model_validator

from flexmore.config.base import Settings


class CalibrationSettings(Settings):
    """`snakemake calibrate`: the public model alone against published scores, before anything dear is computed."""

    reference: dict[str, float] = Field(
        default_factory=dict, description="points, 0 to 100, that each group should have"
    )
    source: str = Field("", description="where the reference comes from; printed with the table")
    metrics: dict[str, str] = Field(
        default_factory=dict,
        description="group: the metric that its reference is in, where not the suite's primary one",
    )
    limit: StrictInt | None = Field(100, ge=1, description="at most so many items of each task")
    errors: float = Field(3.0, ge=0, description="how many standard errors a group may be off")
    points: float = Field(2.0, ge=0, description="and so many points more")
    required: bool = Field(False, description="evaluate no mixture before the calibration has passed")

    @model_validator(mode="after")
    def _compares(self) -> "CalibrationSettings":
        if self.required and not self.reference:
            raise ValueError("required: found true without a `reference`; give the points that each group should have")
        if wrong := [f"{group}: {points}" for group, points in self.reference.items() if not 0 <= points <= 100]:
            raise ValueError(f"reference: found {wrong[0]}; allowed are points from 0 to 100")
        return self
