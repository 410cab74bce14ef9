"""The `analysis:` section of the configuration."""

from pydantic import BaseModel, ConfigDict, Field

GROUPS = ("MC9", "Gen5", "MMLU", "MMLU-Pro", "AGIEval", "BBH")


class AnalysisSettings(BaseModel):
    """How the scores are read. Which groups are reasoning and which knowledge is this project's reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    recovery: float = Field(default=0.95, gt=0, le=1, description="share of the full expert's gain that r95 asks for")
    confidence: float = Field(default=0.95, gt=0, lt=1, description="level of every interval")
    reasoning: list[str] = Field(default=["BBH", "AGIEval", "MMLU-Pro"], description="groups read as reasoning-heavy")
    knowledge: list[str] = Field(default=["MMLU", "MC9", "Gen5"], description="groups read as knowledge-heavy")
