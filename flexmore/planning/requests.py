"""What the jobs of a study request from a scheduler, at their first attempt: memory in MB, minutes, GPUs.

Memory and time are those of the models (`flexmore.planning.memory`, `flexmore.planning.time`), with a margin. A job
that was killed for memory or time requests more at its next attempt, and resumes from the cache.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.grid import Sweep, sweeps
from flexmore.mixtures.spreading import WEIGHT_SHARE
from flexmore.planning.memory import (
    GB,
    MIB,
    Memory,
    acquire_memory,
    count_gpus,
    evaluate_memory,
    factorize_memory,
    sweep_weights,
    tables_memory,
)
from flexmore.planning.planned_mixtures import planned_sizes
from flexmore.planning.sweep_cutting import cut_sweep
from flexmore.planning.time import factorize_hours, stated_hours

MEMORY_MARGIN, TIME_MARGIN = 1.2, 2
"""Factors by which requests exceed what the models expect."""

SNAKEMAKE_MB = 600
"""Memory that Snakemake takes in a job of a cluster, where it runs twice at 180 MB each, and its shells."""

START_MINUTES = 60
"""Minutes until a job computes: its start, copying weights to the node, loading them."""

DAY = 24 * 60
"""Minutes. No job requests more; it would be cut off there, and its next attempt resumes from the cache."""


@dataclass(frozen=True)
class Request:
    """Hold what one job requests.

    Attributes:
        mb: memory in MB (2^20 bytes).
        jobs: number of such jobs.
    """

    mb: int
    minutes: int
    gpus: int
    jobs: int


def request_acquire(study: Study) -> Request:
    """Return the request of acquiring an expert."""
    return Request(_mb(acquire_memory(study, planned_sizes(study))), START_MINUTES, 0, len(study.experts))


def request_factorize(study: Study) -> Request:
    """Return the request of factorizing an expert."""
    sizes = planned_sizes(study)
    minutes = _minutes(factorize_hours(sizes))
    return Request(_mb(factorize_memory(study, sizes)), minutes, _gpu(study.factors.device), len(study.names))


def request_evaluate(study: Study, sweep: Sweep, tasks: Sequence[TaskInfo]) -> Request:
    """Return the request of evaluating a sweep, or of each of the jobs that it is cut into.

    A job requests at most half a day, so that its second attempt can have twice as much.
    """
    sizes, jobs = planned_sizes(study), len(cut_sweep(study, sweep, tasks)) or 1
    memory = evaluate_memory(study, sizes, sweep, tasks, on_gpu=study.evaluate.device != "cpu")
    minutes = min(DAY // 2, _minutes(stated_hours(study, sizes, sweep, tasks).most / jobs))
    gpus = (count_gpus(study, sizes, sweep) or study.evaluate.max_gpus) * _gpu(study.evaluate.device)
    return Request(_mb(memory), minutes, gpus, jobs)


def request_tables(study: Study, tasks: Sequence[TaskInfo], step: str) -> Request:
    """Return the request of collect, analyze or draw."""
    return Request(_mb(tables_memory(study, tasks, step)), START_MINUTES, 0, 1)


def for_attempt(request: Request, attempt: int) -> Request:
    """Return a request for an attempt (1, 2 ...): memory and time times its number, a day at most."""
    return Request(request.mb * attempt, min(DAY, request.minutes * attempt), request.gpus, request.jobs)


def gpu_shortage(study: Study) -> str | None:
    """Return which sweeps do not fit on GPUs of the stated memory, and what to change; None where all fit.

    Only weights count: a batch that does not fit is halved. None too where no memory is stated.
    """
    settings, sizes = study.evaluate, planned_sizes(study)
    lacking = [sweep for sweep in sweeps(study) if count_gpus(study, sizes, sweep) is None]
    if not lacking or settings.device == "cpu":
        return None
    needed = {sweep.name: sweep_weights(study, sizes, sweep).total / GB for sweep in lacking}
    listed = ", ".join(f"{name} ({size:,.1f} GB of weights)" for name, size in needed.items())
    most = settings.max_gpus if settings.device == "auto" else 1
    return (
        f"evaluate.gpu_memory: {settings.gpu_memory:g} GB; sweeps that do not fit on {most} of such GPUs, of which "
        f"{WEIGHT_SHARE:.0%} are for weights: {listed}. Use larger GPUs, raise evaluate.max_gpus (with `device: auto`; "
        "the public model needs one GPU that holds it), or leave out `full` and the highest ranks"
    )


def refuse_gpu_shortage(study: Study) -> None:
    """Check that the stated GPUs hold every sweep.

    Raises:
        FlexmoreError: they do not; the message is that of `gpu_shortage`.
    """
    if message := gpu_shortage(study):
        raise FlexmoreError(message)


def _gpu(device: str) -> int:
    """Return 1 for a step that uses a GPU where there is one, else 0."""
    return 0 if device == "cpu" else 1


def _mb(memory: Memory) -> int:
    return SNAKEMAKE_MB + math.ceil(MEMORY_MARGIN * memory.resident / MIB)


def _minutes(hours: float) -> int:
    return min(DAY, START_MINUTES + math.ceil(TIME_MARGIN * hours * 60))
