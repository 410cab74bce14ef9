"""What jobs request: what the models of memory and time expect, and a margin."""

from pathlib import Path
from typing import Any

import pytest

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_sweep
from flexmore.planning.memory import MIB, evaluate_memory
from flexmore.planning.planned_mixtures import planned_sizes
from flexmore.planning.requests import (
    DAY,
    MEMORY_MARGIN,
    SNAKEMAKE_MB,
    Request,
    for_attempt,
    gpu_shortage,
    refuse_gpu_shortage,
    request_acquire,
    request_evaluate,
    request_factorize,
    request_tables,
)
from flexmore.planning.sweep_cutting import cut_sweep
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))
POCKET = load_study(Path("config/config.yaml"))


def changed(study: Study, **settings: Any) -> Study:
    return study.model_copy(update={"evaluate": study.evaluate.model_copy(update=settings)})


def evaluate(study: Study, name: str) -> Request:
    return request_evaluate(study, find_sweep(study, name), tasks_of(study))


def test_memory_is_the_models_with_a_margin() -> None:
    sweep, tasks = find_sweep(PAPER, "joint-a4"), tasks_of(PAPER)
    expected = evaluate_memory(PAPER, sizes_of(PAPER), sweep, tasks, on_gpu=True).resident / MIB
    found = evaluate(PAPER, "joint-a4")
    assert found.mb == pytest.approx(SNAKEMAKE_MB + MEMORY_MARGIN * expected, abs=1)
    assert found.jobs == len(cut_sweep(PAPER, sweep, tasks)) > 1
    assert evaluate(changed(PAPER, device="cpu"), "joint-a4").mb > found.mb


def test_the_pockets_jobs_live_on_1500_mb() -> None:
    requests = [evaluate(POCKET, name) for name in ("public", "math", "joint-a7")]
    requests += [request_acquire(POCKET), request_factorize(POCKET)]
    requests += [request_tables(POCKET, tasks_of(POCKET), step) for step in ("collect", "analyze", "draw")]
    for request in requests:
        assert 800 < request.mb < 1500
        assert request.minutes <= 65


def test_the_papers_jobs_end_within_a_day() -> None:
    for name in ("public", "math", "joint-a7"):
        assert 60 + 2 * 60 < evaluate(PAPER, name).minutes <= DAY // 2
    assert request_factorize(PAPER).minutes < DAY // 2
    assert for_attempt(Request(1000, DAY // 2, 1, 3), 1) == Request(1000, DAY // 2, 1, 3)
    assert for_attempt(Request(1000, DAY // 2, 1, 3), 3) == Request(3000, DAY, 1, 3)


def test_gpus_are_requested_where_their_memory_is_stated() -> None:
    assert evaluate(PAPER, "joint-a7").gpus == 1
    assert evaluate(changed(PAPER, gpu_memory=80.0), "joint-a7").gpus == 2
    assert evaluate(changed(PAPER, gpu_memory=80.0), "math").gpus == 1
    assert evaluate(changed(PAPER, device="cpu", gpu_memory=80.0), "joint-a7").gpus == 0


def test_a_sweep_that_fits_no_gpus_is_refused() -> None:
    small = changed(PAPER, gpu_memory=24.0, max_gpus=4)
    with pytest.raises(FlexmoreError) as raised:
        refuse_gpu_shortage(small)
    message = str(raised.value)
    assert message == gpu_shortage(small)
    assert message.startswith("evaluate.gpu_memory: 24 GB; sweeps that do not fit on 4 of such GPUs")
    assert "joint-a4 (102.2 GB of weights)" in message
    assert "math" not in message
    assert "raise evaluate.max_gpus" in message
    for fits in (PAPER, changed(PAPER, gpu_memory=80.0), changed(small, device="cpu")):
        refuse_gpu_shortage(fits)
        assert gpu_shortage(fits) is None


def test_models_whose_sizes_only_the_hub_knows_count_as_7b() -> None:
    unknown = PAPER.model_copy(update={"sizes": None, "results": "nowhere"})
    assert planned_sizes(unknown) == sizes_of(PAPER)
