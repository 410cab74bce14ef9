"""Section `pocket`: the sizes and the training of the embedded family."""

from typing import Annotated

from pydantic import Field, model_validator

from flexmore.config.base import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


class PocketSettings(Settings):
    """What the pocket family is made of; the defaults are those of the committed study."""

    hidden: int = Field(64, ge=8, le=512, strict=True, description="Width of the residual stream.")
    layers: int = Field(3, ge=1, le=12, strict=True, description="Transformer layers.")
    heads: int = Field(4, ge=1, le=16, strict=True, description="Attention heads, of an even width each.")
    ffn: int = Field(256, ge=8, le=4096, strict=True, description="Width of one expert's hidden layer.")

    subjects: int = Field(
        60, ge=20, le=60, strict=True, description="Subjects a relation; news has 1 relation, reddit 3, pes2o 9."
    )
    items: int = Field(100, ge=10, le=100, strict=True, description="Items of a task of problems or of mixed facts.")

    public_steps: Count = Field(2000, description="Training steps of the public model.")
    expert_steps: Count = Field(1440, description="Training steps of an expert.")
    batch: Count = Field(32, description="Rows of a training step.")
    row_tokens: int = Field(32, ge=24, le=96, strict=True, description="Tokens of a row; records are packed into it.")
    public_learning_rate: float = Field(6e-3, gt=0, le=0.1, description="AdamW's peak learning rate, public model.")
    expert_learning_rate: float = Field(3e-3, gt=0, le=0.1, description="AdamW's peak learning rate, experts.")
    beta1: float = Field(0.9, gt=0, lt=1, description="AdamW's first moment decay.")
    beta2: float = Field(0.98, gt=0, lt=1, description="AdamW's second moment decay.")
    warmup_steps: int = Field(20, ge=0, strict=True, description="Steps over which the learning rate rises from zero.")
    final_lr_share: Share = Field(0.05, description="Share of the learning rate that the cosine ends at.")
    public_weight_decay: float = Field(0.01, ge=0, le=1, description="Weight decay of the public model only.")
    clip: float = Field(1.0, gt=0, description="Largest norm of a step's gradient.")

    public_facts_share: float = Field(0.25, ge=0, le=0.9, description="Share of public rows that state public facts.")
    gossip_share: Share = Field(0.15, description="Share of public rows in the fact domains' forms; others: problems.")
    question_weight: Share = Field(0.1, description="Weight in the loss of a question's words; an answer's have 1.")
    domain_share: Share = Field(
        0.75, description="Share of an expert's rows from its domain; the rest: other public text."
    )
    router_target: float = Field(
        4.0, gt=0, le=20, description="Router logit that the ridge fit asks for on the domain; its negative elsewhere."
    )
    router_ridge: float = Field(1e-3, gt=0, le=10, description="Ridge penalty, relative to the inputs' mean square.")
    checkpoint_every: Count = Field(100, description="Steps between checkpoints that a killed run resumes from.")

    @model_validator(mode="after")
    def _fits_together(self) -> "PocketSettings":
        if self.hidden % (2 * self.heads):
            raise ValueError(
                f"heads: {self.heads} do not divide hidden: {self.hidden} into even parts; "
                "choose a hidden that is a multiple of 2 x heads"
            )
        if self.public_facts_share + self.gossip_share > 1:
            raise ValueError(
                f"public_facts_share: {self.public_facts_share} and gossip_share: {self.gossip_share} exceed 1 together"
            )
        if self.items > 3 * self.subjects:
            raise ValueError(
                f"items: {self.items} are more than news' one relation of subjects: {self.subjects} in three forms can "
                f"ask; choose at most {3 * self.subjects}"
            )
        return self
