"""Section `factors`: how deltas are factorized."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt

from flexmore.config.base import Settings
from flexmore.config.names import DEVICE, MAX_RANK


class FactorSettings(Settings):
    """Hold how deltas are factorized."""

    method: Literal["gram", "svd"] = Field(
        "gram",
        description="gram: eigenvectors of the Gram matrix of the shorter side; svd: torch.linalg.svd in fp64",
    )
    dtype: Literal["checkpoint", "float32", "float16", "bfloat16"] = Field(
        "checkpoint", description="dtype in which factors are stored; checkpoint: that of the expert's weights"
    )
    max_rank: StrictInt | None = Field(
        None,
        ge=1,
        le=MAX_RANK,
        description="the most components to store; a rank that saturates then gives the expert's own weights, other "
        "ranks above it are refused; null: store all",
    )
    device: Annotated[str, Field(pattern=DEVICE)] = Field(
        "auto", description="device that factorizes: auto (cuda if there is one), cpu, cuda, cuda:1 ..."
    )

    @property
    def result_settings(self) -> dict[str, Any]:
        """Return the settings that factors depend on: neither the device nor how many components are stored."""
        return self.model_dump(include={"method", "dtype"})
