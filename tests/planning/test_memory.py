"""The memory of every step, against what jobs of finished studies took."""

from pathlib import Path
from typing import Any

import pytest
import rehearsal
import yaml

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_sweep
from flexmore.planning.memory import (
    MIB,
    Memory,
    acquire_memory,
    batch_bytes,
    count_gpus,
    evaluate_memory,
    factorize_memory,
    tables_memory,
)
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))
POCKET = load_study(Path("config/config.yaml"))
SMOKE = load_study(Path("tests/workflow/smoke.yaml"))
REHEARSAL = load_study(rehearsal.reduced(yaml.safe_load(Path("config/rehearsal.yaml").read_text())))

MEASURED = {
    "pocket": {
        "acquire": 606, "factorize": 339, "evaluate public": 626, "evaluate math": 652, "evaluate joint-a7": 655,
        "collect": 404, "analyze": 416, "draw": 352,
    },
    "smoke": {
        "acquire": 585, "factorize": 339, "evaluate public": 558, "evaluate math": 569, "collect": 246, "analyze": 257,
        "draw": 274,
    },
    "rehearsal": {
        "acquire": 259, "factorize": 335, "evaluate public": 594, "evaluate math": 647, "evaluate joint-a2": 860,
        "analyze": 226, "draw": 266,
    },
}  # fmt: skip
"""Largest `max_rss` in MiB of each step's jobs in Snakemake's benchmarks (`benchmarks/memory.py study`)."""


def changed(study: Study, **settings: Any) -> Study:
    return study.model_copy(update={"evaluate": study.evaluate.model_copy(update=settings)})


def planned(study: Study, name: str) -> Memory:
    step, _, sweep = name.partition(" ")
    sizes, tasks = sizes_of(study), tasks_of(study)
    if step == "acquire":
        return acquire_memory(study, sizes)
    if step == "factorize":
        return factorize_memory(study, sizes)
    if step == "evaluate":
        return evaluate_memory(study, sizes, find_sweep(study, sweep), tasks, on_gpu=False)
    return tables_memory(study, tasks, step)


@pytest.mark.parametrize(("name", "study"), [("pocket", POCKET), ("smoke", SMOKE), ("rehearsal", REHEARSAL)])
def test_the_plan_is_at_most_a_third_above_what_jobs_took(name: str, study: Study) -> None:
    for step, mib in MEASURED[name].items():
        assert 1.0 <= planned(study, step).resident / MIB / mib <= 1.3, step


def test_the_papers_pairs_fit_80_gb_and_its_joint_mixtures_141() -> None:
    """By arithmetic: they have not run on a GPU."""
    pair, joint = (planned(PAPER, f"evaluate {name}") for name in ("math", "joint-a7"))
    assert 14.6e9 + 8.7e9 < pair.gpu < 0.9 * 80e9
    assert 66.5e9 < joint.gpu < 0.9 * 141e9


def test_a_selection_may_choose_any_rank_of_the_ladder() -> None:
    uniform, selected = (planned(PAPER, f"evaluate joint-a4{end}") for end in ("", "-selected"))
    assert selected.gpu == uniform.gpu
    assert selected.mapped < uniform.mapped  # `full` is no choice of a selection


def test_on_a_gpu_the_host_holds_no_weights_of_mixtures() -> None:
    sizes, tasks, sweep = sizes_of(PAPER), tasks_of(PAPER), find_sweep(PAPER, "math")
    on_gpu = evaluate_memory(PAPER, sizes, sweep, tasks, on_gpu=True)
    on_cpu = evaluate_memory(PAPER, sizes, sweep, tasks, on_gpu=False)
    assert on_gpu.gpu == on_cpu.gpu
    assert on_cpu.host - on_gpu.host > 14.6e9 + 8.6e9 + batch_bytes(PAPER, sizes, tasks) - 2e9


def test_another_dtype_is_held_beside_the_files() -> None:
    sizes, tasks, sweep = sizes_of(PAPER), tasks_of(PAPER), find_sweep(PAPER, "math")
    same = evaluate_memory(PAPER, sizes, sweep, tasks, on_gpu=False)
    wide = evaluate_memory(changed(PAPER, dtype="float32"), sizes, sweep, tasks, on_gpu=False)
    assert wide.host - same.host > 2 * 8.6e9 + 14.6e9
    assert wide.mapped < same.mapped


def test_gpus_follow_from_their_stated_memory() -> None:
    sizes = sizes_of(PAPER)

    def gpus(name: str, **settings: Any) -> int | None:
        return count_gpus(changed(PAPER, **settings), sizes, find_sweep(PAPER, name))

    assert gpus("joint-a7") == 1  # not stated
    assert gpus("math", gpu_memory=80.0) == 1
    assert gpus("joint-a7", gpu_memory=80.0) == 2
    assert gpus("joint-a7", gpu_memory=40.0) == 4
    assert gpus("joint-a7", gpu_memory=40.0, max_gpus=3) is None
    assert gpus("joint-a7", gpu_memory=80.0, device="cuda:1") is None  # one named device
    assert gpus("public", gpu_memory=12.0) is None  # transformers' own model is not spread
    assert gpus("joint-a7", gpu_memory=12.0, engine="vllm") == 1
