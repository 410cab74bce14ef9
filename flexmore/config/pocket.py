"""Section `pocket`: the sizes and the training of the embedded family."""

from typing import Annotated

from pydantic import Field, model_validator

from flexmore.config.base import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


class PocketSettings(Settings):
    """Hold the sizes and training of the pocket family; the defaults are those of the committed study."""

    hidden: int = Field(64, ge=8, le=512, strict=True, description="width of the residual stream")
    layers: int = Field(3, ge=1, le=12, strict=True, description="number of transformer layers")
    heads: int = Field(
        4, ge=1, le=16, strict=True, description="number of attention heads; each must have an even width"
    )
    ffn: int = Field(256, ge=8, le=4096, strict=True, description="width of one expert's hidden layer")

    subjects: int = Field(
        60,
        ge=20,
        le=60,
        strict=True,
        description="number of subjects of each relation; news has 1 relation, reddit 3, pes2o 9",
    )
    items: int = Field(
        100, ge=10, le=100, strict=True, description="number of items of a task of problems or of mixed facts"
    )

    public_steps: Count = Field(2000, description="number of training steps of the public model")
    expert_steps: Count = Field(1440, description="number of training steps of an expert")
    batch: Count = Field(32, description="number of rows in a training step")
    row_tokens: int = Field(
        32, ge=24, le=96, strict=True, description="number of tokens in a row; records are packed into it"
    )
    public_learning_rate: float = Field(
        6e-3, gt=0, le=0.1, description="AdamW's peak learning rate for the public model"
    )
    expert_learning_rate: float = Field(3e-3, gt=0, le=0.1, description="AdamW's peak learning rate for experts")
    beta1: float = Field(0.9, gt=0, lt=1, description="AdamW's decay of the first moment")
    beta2: float = Field(0.98, gt=0, lt=1, description="AdamW's decay of the second moment")
    warmup_steps: int = Field(
        20, ge=0, strict=True, description="number of steps over which the learning rate rises from zero"
    )
    final_lr_share: Share = Field(0.05, description="share of the peak learning rate that the cosine schedule ends at")
    public_weight_decay: float = Field(0.01, ge=0, le=1, description="weight decay of the public model only")
    clip: float = Field(1.0, gt=0, description="norm to which a step's gradient is clipped")

    public_facts_share: float = Field(0.25, ge=0, le=0.9, description="share of public rows that state public facts")
    gossip_share: Share = Field(
        0.15, description="share of public rows in the forms of the fact domains; the others are problems"
    )
    question_weight: Share = Field(0.1, description="weight of a question's words in the loss; an answer's have 1")
    domain_share: Share = Field(
        0.75, description="share of an expert's rows from its domain; the rest is other public text"
    )
    router_target: float = Field(
        4.0,
        gt=0,
        le=20,
        description="router logit that the ridge regression fits on the domain; its negative elsewhere",
    )
    router_ridge: float = Field(
        1e-3, gt=0, le=10, description="ridge penalty, relative to the mean square of the inputs"
    )
    checkpoint_every: Count = Field(
        100, description="number of steps between checkpoints that a killed run resumes from"
    )

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
