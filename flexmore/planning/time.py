"""The time that each step takes: one model, for the plan, for what jobs request, and for cutting sweeps into jobs.

Work is counted in operations, from the sizes of the models and the tokens that are read. Speed is stated in the
configuration (`evaluate.jobs`), or timed on the device at hand (`flexmore plan --hours`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.config.evaluation import HourJobs
from flexmore.config.study import Study
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.dense_or_factors import layer_cost
from flexmore.mixtures.grid import Mixture, Sweep, distinct_mixtures
from flexmore.mixtures.parameters import effective_rank
from flexmore.planning.planned_mixtures import count_items, possible_mixtures, tokens_per_item

FACTORIZE_SPEED = 2.5e10
"""Operations a second at which factorizing is planned: half of what one processor core reached in fp64
(docs/benchmarks.md, Factorize)."""

SPEED = 3.4e13
"""Multiplications a second of one GPU where the configuration states no speed: 5000 tokens a second of a 7B model. A
low guess for one large GPU; not measured."""

SCORING = 0.012
"""Seconds that scoring a task and writing its result take, beside the forward passes; as on the pocket study."""


class TokenSeconds(Protocol):
    """Tell the seconds that a token takes in all distinct mixtures of a sweep together, as timed."""

    @property
    def prompt(self) -> float:
        """Return the seconds for a token of a prompt."""

    @property
    def new(self) -> float:
        """Return the seconds for a generated token."""


@dataclass(frozen=True)
class SweepHours:
    """Hold the hours of evaluating a sweep on one GPU.

    Attributes:
        starts: its jobs' starts, until libraries and tasks are there; 0 with a stated speed.
        prompts: reading prompts.
        scoring: scoring tasks and writing results.
        answers: generating answers, if every one were as long as it may be; 0 with a stated speed, which counts the
            tokens of answers with those of prompts.
    """

    starts: float
    prompts: float
    scoring: float
    answers: float

    @property
    def least(self) -> float:
        """Hours if answers were empty."""
        return self.starts + self.prompts + self.scoring

    @property
    def most(self) -> float:
        """Hours if every answer were as long as it may be."""
        return self.least + self.answers


def token_operations(sizes: ModelSizes, mixture: Mixture) -> float:
    """Return the multiplications that a token takes in a mixture with known ranks; attention scores are not counted.

    Every expert is taken as equally likely to be chosen (`flexmore.mixtures.dense_or_factors`).
    """
    ranks = [effective_rank(rank, sizes) for rank in mixture.ranks]
    cost = (None, *(None if rank == "full" or mixture.kind == "control" else int(rank) for rank in ranks))
    experts = layer_cost(cost, min(mixture.active, len(cost)), sizes.hidden, sizes.ffn)
    return sizes.backbone - sizes.outside_layers + sizes.full_expert * experts


def stated_hours(study: Study, sizes: ModelSizes, sweep: Sweep, tasks: Sequence[TaskInfo]) -> SweepHours:
    """Return the hours of a sweep on one GPU by the speed and the tokens per item that the configuration states.

    Mixtures of the same weights are evaluated once. One whose ranks a selection will choose counts with the costliest.
    """
    tokens = count_items(study, tasks) * tokens_per_item(study)
    mixtures = distinct_mixtures(sweep.mixtures, sizes)
    cost = sum(
        max(token_operations(sizes, possible) for possible in possible_mixtures(study, sizes, mixture))
        for mixture in mixtures
    )
    prompts = tokens * cost / _stated_speed(study, sizes) / 3600
    return SweepHours(0, prompts, _scoring_hours(len(mixtures), tasks), 0)


def _stated_speed(study: Study, sizes: ModelSizes) -> float:
    """Return the multiplications a second of one GPU: from what `evaluate.jobs` states of public, or SPEED."""
    if not isinstance(study.evaluate.jobs, HourJobs):
        return SPEED
    public = Mixture("public", "baseline", (), (), 1, "0")
    return study.evaluate.jobs.tokens_per_second * token_operations(sizes, public)


def _scoring_hours(mixtures: int, tasks: Sequence[TaskInfo]) -> float:
    return mixtures * len(tasks) * SCORING / 3600


def timed_hours(
    sizes: ModelSizes,
    sweep: Sweep,
    tasks: Sequence[TaskInfo],
    jobs: int,
    tokens: Mapping[str, Mapping[str, int]],
    speed: TokenSeconds,
    start: float,
) -> SweepHours:
    """Return the hours of a sweep on the device whose speed was timed.

    Args:
        jobs: into how many the sweep is cut.
        tokens: counted tokens of each task group, `computed` and `new` (`flexmore.evaluation.tokens`).
        start: seconds until a job has its libraries and tasks; loading weights comes on top.
    """
    computed, new = (sum(group[kind] for group in tokens.values()) for kind in ("computed", "new"))
    return SweepHours(
        starts=jobs * start / 3600,
        prompts=computed * speed.prompt / 3600,
        scoring=_scoring_hours(len(distinct_mixtures(sweep.mixtures, sizes)), tasks),
        answers=new * speed.new / 3600,
    )


def factorize_hours(sizes: ModelSizes) -> float:
    """Return the hours of factorizing an expert on one processor core.

    A projection [n, m], n <= m, takes a Gram matrix and a product (3 n² m operations) and an eigensolver (12 n³).
    """
    n, m = sizes.saturation, max(sizes.hidden, sizes.ffn)
    operations = sizes.layers * len(PROJECTIONS) * n**2 * (3 * m + 12 * n)
    return operations / FACTORIZE_SPEED / 3600
