"""What jobs ask for: from sizes, more at each attempt, never beyond what a study is known to need."""

from pathlib import Path

import pytest

from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.mixtures.grid import find_sweep
from flexmore.planning.requests import (
    DAY,
    acquire_mb,
    evaluate_mb,
    evaluate_minutes,
    factorize_mb,
    factorize_minutes,
    grown,
    sizes,
    tables_mb,
)

GB = 1000**3 / 2**20


@pytest.fixture(scope="module")
def pocket() -> Study:
    return load_study(Path("config/config.yaml"))


@pytest.fixture(scope="module")
def paper() -> Study:
    return load_study(Path("config/paper.yaml"))


def test_the_papers_models_fit_their_jobs(paper: Study) -> None:
    """Sizes in bf16 (computed): public 14.6 GB, a pair 23.3, the joint mixture 66.5; one projection 0.36 GB in fp64."""
    for sweep, weights in {"public": 14.6, "math": 23.3, "joint-a4": 66.5}.items():
        assert 1.1 < evaluate_mb(paper, find_sweep(paper, sweep)) / (weights * GB) < 1.5
    assert 4 * 1000 < factorize_mb(paper) < 8 * 1000
    assert 2 * 1000 < acquire_mb(paper) < 8 * 1000
    assert tables_mb(paper, 151) < 16 * 1000


def test_the_pocket_fits_a_laptop(pocket: Study) -> None:
    for sweep in ("public", "math", "joint-a7"):
        assert evaluate_mb(pocket, find_sweep(pocket, sweep)) < 2100
    assert factorize_mb(pocket) < 3100
    assert factorize_minutes(pocket) <= 61
    assert evaluate_minutes(pocket, find_sweep(pocket, "joint-a7")) <= 121


def test_a_cpu_holds_full_experts_beside_their_factors(paper: Study) -> None:
    on_cpu = paper.model_copy(update={"evaluate": paper.evaluate.model_copy(update={"device": "cpu"})})
    joint = find_sweep(paper, "joint-a4")
    extra = 6 * sizes(paper).full_expert * 2 / 2**20
    assert evaluate_mb(on_cpu, joint) - evaluate_mb(paper, joint) == pytest.approx(1.25 * extra, rel=1e-3)


def test_time_grows_with_the_attempt_and_with_the_mixtures_and_ends_at_a_day(paper: Study) -> None:
    minutes = {name: evaluate_minutes(paper, find_sweep(paper, name)) for name in ("public", "math", "joint-a7")}
    assert 120 < minutes["public"] < minutes["math"] <= minutes["joint-a7"] == DAY // 2
    assert [grown(DAY // 2, attempt) for attempt in (1, 2, 3, 4)] == [DAY // 2, DAY, DAY, DAY]


def test_models_whose_sizes_nobody_states_count_as_7b(paper: Study) -> None:
    unknown = paper.model_copy(update={"sizes": None, "results": "nowhere"})
    assert sizes(unknown) == sizes(paper)
