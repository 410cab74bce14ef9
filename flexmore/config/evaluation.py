"""Section `evaluate`: how mixtures are evaluated."""

from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt

from flexmore.config.base import Settings
from flexmore.config.names import DEVICE

ItemSampling = Literal["first", "olmes"]
"""Which items of a task are taken if there are more than the limit."""


def _number(value: object) -> object:
    """Return text that is a number as that number, since Snakemake's `--config` and profiles give text."""
    if isinstance(value, str):
        for kind in (int, float):
            with suppress(ValueError):
                return kind(value)
    return value


class HourJobs(Settings):
    """Hold how long a job may take, and the two stated numbers that its time is estimated from."""

    hours: float = Field(4.0, gt=0, description="the most GPU-hours of one job")
    tokens_per_second: float = Field(
        5000.0,
        gt=0,
        description="speed of the public model on one GPU, as stated here; mixtures, which compute more, take longer",
    )
    tokens_per_item: float = Field(
        1000.0, gt=0, description="tokens of a prompt with its shots and its answer, as stated here"
    )


class EvaluateSettings(Settings):
    """Hold how mixtures are evaluated; dtype, limit, sampling, seed and engine are part of every score's cache key."""

    dtype: Literal["checkpoint", "float32", "float16", "bfloat16"] = Field(
        "checkpoint", description="dtype in which mixtures are computed; checkpoint: that of the experts' weights"
    )
    batch_tokens: StrictInt = Field(
        4096,
        ge=1,
        description="the most tokens in a batch, shared beginning, padding and what may be generated included",
    )
    limit: StrictInt | None = Field(None, ge=1, description="the most items of each task; null: all")
    sampling: ItemSampling = Field(
        "first",
        description="which items, if a task has more: the first ones, or random.Random(1234).sample, as in OLMES",
    )
    seed: StrictInt = Field(1234, ge=0, description="seed of the few-shot sampler")
    device: Annotated[str, Field(pattern=DEVICE)] = Field(
        "auto", description="device that evaluates: auto (cuda if there is one), cpu, cuda, cuda:1 ..."
    )
    engine: Literal["own", "vllm"] = Field(
        "own",
        description="own: this package; vllm: lm-eval's vLLM backend on a dense checkpoint of each mixture; install "
        "vLLM for it",
    )
    gpu_memory: Annotated[float, BeforeValidator(_number)] | None = Field(
        None,
        gt=0,
        description="memory of one GPU of the machine that evaluates, in GB (10^9 bytes); a sweep then requests as "
        "many GPUs as its weights take, and a sweep that does not fit is refused at once; null: "
        "unknown, one GPU each",
    )
    max_gpus: Annotated[StrictInt, BeforeValidator(_number)] = Field(
        8, ge=1, description="the most GPUs for one sweep; with `device: auto`, layers are spread over them"
    )
    jobs: Literal["sweep", "mixture", "mixture-group"] | HourJobs = Field(
        "sweep",
        description="what one Snakemake job evaluates: a sweep, a mixture of it, a task group of a mixture, or what "
        "takes at most `hours` of one GPU, estimated from `tokens_per_second` and `tokens_per_item`: "
        "{hours: 4, tokens_per_second: 5000, tokens_per_item: 1000}; scores are the same bytes",
    )

    @property
    def result_settings(self) -> dict[str, Any]:
        """Return the settings that scores depend on: neither where nor in how many jobs they are computed."""
        own = {"engine"} if self.engine == "own" else set()
        return self.model_dump(exclude={"device", "batch_tokens", "gpu_memory", "max_gpus", "jobs", *own})
