"""Section `analysis`: how scores are analysed."""

from pydantic import Field, StrictInt

from flexmore.config.base import Settings


class AnalysisSettings(Settings):
    """Hold how scores are analysed. Which groups are reasoning and which are knowledge is this project's choice."""

    recovery: float = Field(default=0.95, gt=0, le=1, description="share of the full expert's gain that r95 requires")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="level of every confidence interval")
    bootstrap_samples: StrictInt = Field(
        default=2000, ge=100, description="number of bootstrap samples for an interval"
    )
    seed: StrictInt = Field(default=0, ge=0, description="seed of the bootstrap")
    energy: float = Field(
        default=0.9, gt=0, lt=1, description="share of the squared singular values that the rule `energy` keeps"
    )
    reasoning: list[str] = Field(default=["BBH", "AGIEval", "MMLU-Pro"], description="groups that count as reasoning")
    knowledge: list[str] = Field(default=["MMLU", "MC9", "Gen5"], description="groups that count as knowledge")

    @property
    def skills(self) -> dict[str, list[str]]:
        """Return the groups of each skill."""
        return {"reasoning": self.reasoning, "knowledge": self.knowledge}
