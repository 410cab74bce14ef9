"""Section `factors`: how deltas are factorized."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt

from flexmore.config.base import Settings
from flexmore.config.mixtures import MAX_RANK
from flexmore.config.names import DEVICE


class FactorSettings(Settings):
    """How deltas are factorized."""

    method: Literal["gram", "svd"] = Field(
        "gram",
        description="gram: eigenvectors of the short side's Gram matrix; svd: torch.linalg.svd in fp64",
    )
    dtype: Literal["checkpoint", "float32", "float16", "bfloat16"] = Field(
        "checkpoint", description="in which the factors are stored; checkpoint: as the expert's weights"
    )
    max_rank: StrictInt | None = Field(
        None,
        ge=1,
        le=MAX_RANK,
        description="store no more components; a rank that saturates is then the expert's own weights, others above it "
        "are refused; null: store all",
    )
    device: Annotated[str, Field(pattern=DEVICE)] = Field(
        "auto", description="where to factorize: auto (cuda if there is one), cpu, cuda, cuda:1 ..."
    )

    @property
    def numbers(self) -> dict[str, Any]:
        """What the factors' numbers depend on: neither the device nor how many components are kept."""
        return self.model_dump(include={"method", "dtype"})
