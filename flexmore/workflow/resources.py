"""What each job requests of the machine that it runs on: memory, time, GPUs, and where it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flexmore.planning.requests import (
    Request,
    for_attempt,
    refuse_gpu_shortage,
    request_acquire,
    request_evaluate,
    request_factorize,
    request_tables,
)
from flexmore.workflow.jobs import StudyJobs

SMALL = {
    "datasets": Request(mb=4000, minutes=120, gpus=0, jobs=1),
    "suite": Request(mb=1000, minutes=30, gpus=0, jobs=1),
    "compose": Request(mb=1000, minutes=30, gpus=0, jobs=1),
    "measure": Request(mb=500, minutes=10, gpus=0, jobs=1),
}
"""The requests of the steps that request the same for every study."""


@dataclass(frozen=True)
class Requests:
    """Hold what a study's jobs request in one run of Snakemake, by the step they run.

    Attributes:
        cluster: tells whether jobs run elsewhere than on this machine. Snakemake knows that only once it has read all
            rules, so it is asked when a job requests its resources.
        gpu_here: this machine has a GPU.
        given: resources that the profile or the command line sets, by rule.
    """

    jobs: StudyJobs
    cluster: Callable[[], bool] = lambda: False
    gpu_here: bool = False
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def mb(self, step: str, attempt: int, sweep: str = "public") -> int:
        """Return the memory in MB that a job requests at an attempt (1, 2 ...)."""
        return for_attempt(self._first(step, sweep), attempt).mb

    def minutes(self, step: str, attempt: int, sweep: str = "public") -> int:
        """Return the minutes that a job, such as one of the parts of a cut sweep, requests at an attempt (1, 2 ...)."""
        return for_attempt(self._first(step, sweep), attempt).minutes

    def gpus(self, step: str, sweep: str = "public") -> int:
        """Return how many GPUs a job requests."""
        return self._first(step, sweep).gpus if self._on_gpu(step) else 0

    def check_gpus(self) -> None:
        """Check that every sweep fits on the GPUs whose memory the configuration states.

        A dry run checks it too, although it does not know that jobs would be sent to a cluster.

        Raises:
            FlexmoreError: one does not; the message says which, and what to change.
        """
        refuse_gpu_shortage(self.jobs.study)

    def runs_here(self, step: str) -> bool:
        """Tell whether a step that needs a network has to run on this machine: where no partition is given for it.

        Experts that are not on the hub need no network.
        """
        on_hub = any(source.source == "hub" for source in self.jobs.study.experts.values())
        return (on_hub or step != "acquire") and "slurm_partition" not in self.given.get(step, {})

    def _on_gpu(self, step: str) -> bool:
        """Tell whether a step uses GPUs: with the device `auto` on a cluster, and here where there is one."""
        study = self.jobs.study
        device = study.factors.device if step == "factorize" else study.evaluate.device
        return self.cluster() or self.gpu_here if device == "auto" else device.startswith("cuda")

    def _first(self, step: str, sweep: str) -> Request:
        """Return the request of a job's first attempt."""
        if step in ("evaluate", "calibrate"):
            return self._sweeps[sweep]
        return SMALL.get(step) or self._others[step]

    @cached_property
    def _sweeps(self) -> Mapping[str, Request]:
        jobs = self.jobs
        return {name: request_evaluate(jobs.study, sweep, jobs.tasks) for name, sweep in jobs.sweeps.items()}

    @cached_property
    def _others(self) -> Mapping[str, Request]:
        study, tasks = self.jobs.study, self.jobs.tasks
        tables = {step: request_tables(study, tasks, step) for step in ("collect", "analyze", "draw")}
        return {"acquire": request_acquire(study), "factorize": request_factorize(study), **tables}
