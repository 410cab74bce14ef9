"""Hours from operations, tokens and speed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flexmore.config.evaluation import HourJobs
from flexmore.config.loading import load_study
from flexmore.config.study import Study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_mixture, find_sweep
from flexmore.planning.time import factorize_hours, stated_hours, timed_hours, token_operations
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))
POCKET = load_study(Path("config/config.yaml"))
SIZES = sizes_of(PAPER)


@dataclass(frozen=True)
class Seconds:
    """What a token takes."""

    prompt: float
    new: float


def changed(study: Study, **settings: Any) -> Study:
    return study.model_copy(update={"evaluate": study.evaluate.model_copy(update=settings)})


def test_a_token_multiplies_what_it_uses() -> None:
    """Of the public model all but embeddings and head; of adapters rank x (hidden + ffn) for each projection."""
    public = token_operations(SIZES, find_mixture(PAPER, "public"))
    assert public == 7_298_617_344 - 2 * 100352 * 4096 - 4096
    one, full = (token_operations(SIZES, find_mixture(PAPER, f"math-{rank}")) for rank in ("r1", "full"))
    assert one == public + 3 * 32 * (4096 + 11008)  # both experts are active
    assert full == public + 3 * 32 * 4096 * 11008


def test_the_public_model_takes_its_tokens_by_its_stated_speed() -> None:
    """The suite's index has 47,314 items at a limit of 1000."""
    found = stated_hours(PAPER, SIZES, find_sweep(PAPER, "public"), tasks_of(PAPER))
    assert found.prompts == pytest.approx(47_314 * 1000 / 5000 / 3600)
    assert found.scoring == pytest.approx(120 * 0.012 / 3600)
    assert found.least == found.most == found.prompts + found.scoring
    twice = changed(PAPER, jobs=HourJobs(tokens_per_second=2500.0))
    assert stated_hours(twice, SIZES, find_sweep(PAPER, "public"), tasks_of(PAPER)).prompts == 2 * found.prompts


def test_equal_mixtures_count_once_and_selections_as_the_costliest() -> None:
    tasks = tasks_of(PAPER)
    whole, selected = (
        stated_hours(PAPER, SIZES, find_sweep(PAPER, f"joint-a4{end}"), tasks) for end in ("", "-selected")
    )
    assert whole.scoring == pytest.approx(14 * 120 * 0.012 / 3600)
    full, public = (token_operations(SIZES, find_mixture(PAPER, name)) for name in ("joint-a4-full", "public"))
    each = 47_314 * 1000 / 5000 / 3600
    assert 0.9 * 2 * each * full / public < selected.prompts <= 2 * each * full / public


def test_the_pocket_takes_about_what_it_took() -> None:
    """Its pairs took 49 to 71 s, nearly all of it scoring."""
    found = stated_hours(POCKET, sizes_of(POCKET), find_sweep(POCKET, "math"), tasks_of(POCKET))
    assert 20 < found.most * 3600 < 80


def test_timed_hours_are_counted_tokens_by_timed_seconds() -> None:
    tokens = {
        "BBH": {"items": 1, "prompt": 9_000_000, "computed": 2_000_000, "new": 500_000},
        "MMLU": {"items": 1, "prompt": 9_000_000, "computed": 1_000_000, "new": 0},
    }
    found = timed_hours(SIZES, find_sweep(PAPER, "math"), tasks_of(PAPER), 11, tokens, Seconds(0.0072, 0.0072), 36.0)
    assert found.starts == pytest.approx(11 * 0.01)
    assert found.prompts == pytest.approx(6.0)
    assert found.answers == pytest.approx(1.0)
    assert found.most == pytest.approx(found.least + 1.0)


def test_factorizing_takes_twice_what_it_took_in_fp64() -> None:
    """83 s a layer of steep deltas (docs/benchmarks.md)."""
    assert factorize_hours(SIZES) * 3600 / 32 == pytest.approx(2 * 83, rel=0.1)
