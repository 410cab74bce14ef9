"""Hours from tokens and a layer's speed: arithmetic, and that what is measured is what a sweep has."""

from pathlib import Path
from typing import Any

import pytest
import torch

from flexmore.config.loading import load_study
from flexmore.experts.sizes import sizes_of
from flexmore.mixtures.grid import find_sweep, sweeps
from flexmore.modeling import speed
from flexmore.modeling.speed import Speed, time_layers
from flexmore.planning.memory import itemsize
from flexmore.planning.plan import effort, render
from flexmore.planning.plan import plan as make
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))


def test_a_sweeps_hours_are_those_of_its_distinct_mixtures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rank costs 1 s a million tokens of prompts and full size 5000: what lies between is on the line."""
    asked = []

    def timed(sizes: Any, ranks: Any, active: int, device: Any, dtype: Any) -> Speed:
        asked.append((len(ranks), active, ranks[0] if ranks else "public"))
        seconds = {1: 1.0, 2048: 2048.0, "full": 5000.0}[ranks[0]] if ranks else 1.0
        return Speed(seconds / 1e6, seconds / 1e6)

    monkeypatch.setattr(speed, "_time_layer", timed)
    found = time_layers(PAPER, sizes_of(PAPER), itemsize(PAPER))
    ladder = sum(2**step for step in range(12)) + 2 * 5000  # 4096, which 8192 and 16384 are too, and full run dense
    assert found["math.prompt"] == pytest.approx(ladder / 3600)
    assert found["joint-a4.new"] == pytest.approx(ladder / 3600)
    assert found["joint-a4-selected.prompt"] == pytest.approx(2 * 5000 / 3600)
    assert found["public.prompt"] == pytest.approx(1 / 3600)
    assert len(asked) == len(set(asked)) == 1 + 4 * 3


def test_hours_are_tokens_times_speed() -> None:
    tokens = {
        "BBH": {"items": 1, "prompt": 9_000_000, "computed": 2_000_000, "new": 500_000},
        "MMLU": {"items": 1, "prompt": 9_000_000, "computed": 1_000_000, "new": 0},
    }
    hours = {f"{sweep.name}.{kind}": 2.0 for sweep in sweeps(PAPER) for kind in ("prompt", "new")}
    hours |= {f"{sweep.name}.mixtures": 14 for sweep in sweeps(PAPER)}
    planned = make(PAPER, sizes_of(PAPER), tasks_of(PAPER))
    found = effort(PAPER, planned, tokens, hours, "a device", 36.0)
    jobs = planned["asked"]["evaluate math"]["jobs"]
    assert jobs > 1
    expected = {"starts": jobs * 0.01, "prompts": 6.0, "scoring": 14 * 120 * 0.012 / 3600, "answers": 1.0}
    assert found["hours"]["math"] == pytest.approx(expected)
    said = render(planned | found)
    assert "1 items, 9,000,000 of prompts, 2,000,000 computed, 500,000 new at most" in said
    assert "evaluate all" in said
    assert "--hours" in render(make(PAPER, sizes_of(PAPER), tasks_of(PAPER)))


def test_every_sweep_of_a_tiny_family_is_timed(composed: Any) -> None:
    before = torch.get_default_dtype()
    found = time_layers(composed, sizes_of(composed), itemsize(composed))
    assert torch.get_default_dtype() == before
    kinds = ("prompt", "new", "mixtures")
    assert found.keys() == {f"{sweep.name}.{kind}" for sweep in sweeps(composed) for kind in kinds}
    assert all(hours > 0 for hours in found.values())
    assert find_sweep(composed, "math")
