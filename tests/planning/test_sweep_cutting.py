"""The jobs that a configuration cuts a sweep into."""

from pathlib import Path
from typing import Any

import pytest

from flexmore.config.evaluation import HourJobs
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_sweep
from flexmore.planning.sweep_cutting import cut_sweep
from flexmore.planning.time import stated_hours
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))


def cut_by(jobs: Any) -> Study:
    return PAPER.model_copy(update={"evaluate": PAPER.evaluate.model_copy(update={"jobs": jobs})})


@pytest.mark.parametrize(("jobs", "number"), [("sweep", 0), ("mixture", 16), ("mixture-group", 16 * 6)])
def test_jobs_by_mixture_and_group(jobs: str, number: int) -> None:
    found = cut_sweep(cut_by(jobs), find_sweep(PAPER, "math"), tasks_of(PAPER))
    assert len(found) == len(set(found.values())) == number


@pytest.mark.parametrize("hours", [1.0, 4.0, 10.0])
def test_no_job_takes_more_than_the_stated_hours(hours: float) -> None:
    study, sweep = cut_by(HourJobs(hours=hours)), find_sweep(PAPER, "math")
    found = cut_sweep(study, sweep, tasks_of(PAPER))
    total = stated_hours(study, sizes_of(study), sweep, tasks_of(PAPER)).most
    assert total / len(found) <= hours < total / (len(found) - 1)
    assert [part.shard for part in found.values()] == [(i, len(found)) for i in range(1, len(found) + 1)]


def test_what_one_job_evaluates_is_not_cut() -> None:
    for jobs in ("mixture", HourJobs()):
        assert cut_sweep(cut_by(jobs), find_sweep(PAPER, "public"), tasks_of(PAPER)) == {}
