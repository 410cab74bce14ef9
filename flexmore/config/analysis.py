"""Section `analysis`: how the scores are read."""

from pydantic import Field, StrictInt

from flexmore.config.base import Settings


class AnalysisSettings(Settings):
    """How the scores are read. Which groups are reasoning and which knowledge is this project's reading."""

    recovery: float = Field(default=0.95, gt=0, le=1, description="share of the full expert's gain that r95 asks for")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="level of every interval")
    draws: StrictInt = Field(default=2000, ge=100, description="bootstrap samples behind an interval")
    seed: StrictInt = Field(default=0, ge=0, description="of the bootstrap")
    energy: float = Field(default=0.9, gt=0, lt=1, description="share of the squared singular values, rule `energy`")
    reasoning: list[str] = Field(default=["BBH", "AGIEval", "MMLU-Pro"], description="groups read as reasoning-heavy")
    knowledge: list[str] = Field(default=["MMLU", "MC9", "Gen5"], description="groups read as knowledge-heavy")

    quarantine: bool = Field(
        default=True,
        description="leave doubtful scores out of every table; false lists them, and they stay in the means",
    )

    @property
    def skills(self) -> dict[str, list[str]]:
        """The two kinds of task, by name."""
        return {"reasoning": self.reasoning, "knowledge": self.knowledge}
