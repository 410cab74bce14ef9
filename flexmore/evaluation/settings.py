"""Which tasks a study evaluates, how, and what it is calibrated against."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"
PAPER_SUITE = Path(__file__).parent / "paper"
"""The tasks of the paper: lm-eval YAMLs and an index.json."""


class _Settings(BaseModel):
    """Unknown keys are errors, values are not converted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SuiteSettings(_Settings):
    """The tasks to evaluate."""

    source: Literal["pocket", "paper", "folder"] = Field(
        "pocket", description="paper: the paper's 120 tasks in OLMES' form (docs/tasks.md)"
    )
    path: str | None = Field(None, description="with source folder: lm-eval YAMLs and an index.json")
    tasks: list[str] | None = Field(None, description="names of tasks; null: all of the suite")
    shots: Literal["own", "olmes"] = Field(
        "own",
        description="with source paper, in MC9 and Gen5: the train split's first rows, or OLMES' curated ones, fetched",
    )
    words_metric: Literal["exact_match", "f1"] = Field(
        "exact_match", description="with source paper: the primary metric of Gen5; the other one is kept beside it"
    )
    lock: str = Field(
        "config/paper.lock.json",
        description="with source paper: revision and content of each data set, recorded when first acquired",
    )

    @model_validator(mode="after")
    def _folder(self) -> "SuiteSettings":
        if self.source == "folder" and not (self.path and Path(self.path, "index.json").is_file()):
            found = "missing" if self.path is None else f"{self.path!r} is not a folder with an index.json"
            raise ValueError(f"path: {found}; `source: folder` needs a folder with lm-eval YAMLs and an index.json")
        if self.source != "folder" and self.path is not None:
            raise ValueError(f"path: found {self.path!r}; a path goes with `source: folder`")
        own = {"shots", "words_metric", "lock"} & self.model_fields_set
        changed = sorted(key for key in own if getattr(self, key) != type(self).model_fields[key].default)
        if self.source != "paper" and changed:
            raise ValueError(f"{changed[0]}: found {getattr(self, changed[0])!r}; it goes with `source: paper`")
        if self.tasks is not None and (not self.tasks or len(set(self.tasks)) != len(self.tasks)):
            raise ValueError(f"tasks: found {self.tasks}; expected at least one name and none twice, or null for all")
        return self

    @property
    def groups(self) -> list[str]:
        """The groups that the suite's tasks belong to."""
        if self.source != "pocket":
            folder = PAPER_SUITE if self.source == "paper" else Path(str(self.path))
            entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
            return list(dict.fromkeys(str(entry["group"]) for entry in entries))
        from flexmore.pocket.tasks import GROUPS

        return list(GROUPS)


class HourJobs(_Settings):
    """Jobs of at most so many GPU-hours, estimated from two stated numbers."""

    hours: float = Field(4.0, gt=0, description="at most so many in one job: long jobs wait long in queues")
    tokens_per_second: float = Field(5000.0, gt=0, description="of one GPU, stated, not measured")
    tokens_per_item: float = Field(1000.0, gt=0, description="of a prompt with its shots and its answer, stated")


class EvaluateSettings(_Settings):
    """How mixtures are evaluated; dtype, limit, sampling, seed and engine are part of every score's fingerprint."""

    dtype: Literal["checkpoint", "float32", "float16", "bfloat16"] = "checkpoint"
    batch_tokens: StrictInt = Field(
        4096,
        ge=1,
        description="tokens that a batch may hold, shared beginning, padding and what it may generate included",
    )
    limit: StrictInt | None = Field(None, ge=1, description="at most so many items of each task")
    sampling: Literal["first", "olmes"] = Field(
        "first", description="which, where a task has more: the first ones, or random.Random(1234).sample, as OLMES"
    )
    seed: StrictInt = Field(1234, ge=0, description="of the few-shot sampler")
    device: Annotated[str, Field(pattern=DEVICE)] = Field(
        "auto", description="auto (cuda if there is one), cpu, cuda, cuda:1 ..."
    )
    engine: Literal["own", "vllm"] = Field(
        "own", description="vllm: each mixture as a dense checkpoint, through lm-eval's backend; install vLLM for it"
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
        return self.model_dump(exclude={"device", "batch_tokens", "jobs", *own})


class CalibrationSettings(_Settings):
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
