"""Section `evaluate`: how mixtures are evaluated."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt

from flexmore.config.base import Settings
from flexmore.config.names import DEVICE

ItemSampling = Literal["first", "olmes"]


def _number(value: object) -> object:
    """Return a number that is written as text as a number: so `--config` hands it on, and a profile of Snakemake."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


class HourJobs(Settings):
    """Jobs of at most so many GPU-hours, estimated from two stated numbers."""

    hours: float = Field(4.0, gt=0, description="at most so many in one job: long jobs wait long in queues")
    tokens_per_second: float = Field(
        5000.0, gt=0, description="of the public model on one GPU, stated; mixtures take longer as they multiply more"
    )
    tokens_per_item: float = Field(1000.0, gt=0, description="of a prompt with its shots and its answer, stated")


class EvaluateSettings(Settings):
    """How mixtures are evaluated; dtype, limit, sampling, seed and engine are part of every score's fingerprint."""

    dtype: Literal["checkpoint", "float32", "float16", "bfloat16"] = "checkpoint"
    batch_tokens: StrictInt = Field(
        4096,
        ge=1,
        description="tokens that a batch may hold, shared beginning, padding and what it may generate included",
    )
    limit: StrictInt | None = Field(None, ge=1, description="at most so many items of each task")
    sampling: ItemSampling = Field(
        "first", description="which, where a task has more: the first ones, or random.Random(1234).sample, as OLMES"
    )
    seed: StrictInt = Field(1234, ge=0, description="of the few-shot sampler")
    device: Annotated[str, Field(pattern=DEVICE)] = Field(
        "auto", description="auto (cuda if there is one), cpu, cuda, cuda:1 ..."
    )
    engine: Literal["own", "vllm"] = Field(
        "own", description="vllm: each mixture as a dense checkpoint, through lm-eval's backend; install vLLM for it"
    )
    gpu_memory: Annotated[float, BeforeValidator(_number)] | None = Field(
        None,
        gt=0,
        description="GB (10^9 bytes) of one GPU of the machine that evaluates; a sweep then requests as many GPUs as "
        "its weights take, and one that fits none is refused before anything is fetched; null: unknown, one GPU each",
    )
    max_gpus: StrictInt = Field(
        8, ge=1, description="at most so many GPUs for one sweep; with `device: auto`, layers are spread over them"
    )
    jobs: Literal["sweep", "mixture", "mixture-group"] | HourJobs = Field(
        "sweep",
        description="what one Snakemake job evaluates: a sweep, a mixture of it, a task group of a mixture, or so much "
        "as takes at most `hours` of one GPU by the stated `tokens_per_second` and `tokens_per_item`: {hours: 4, "
        "tokens_per_second: 5000, tokens_per_item: 1000}; scores are the same bytes",
    )

    @property
    def numbers(self) -> dict[str, Any]:
        """What of it scores depend on: neither where nor in how many pieces they are computed."""
        own = {"engine"} if self.engine == "own" else set()
        return self.model_dump(exclude={"device", "batch_tokens", "gpu_memory", "max_gpus", "jobs", *own})
