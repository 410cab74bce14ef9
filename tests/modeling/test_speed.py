"""The speed of a sweep, from timed layers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from flexmore.config.loading import load_study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import sweeps
from flexmore.modeling import speed
from flexmore.modeling.speed import Speed, time_layers

PAPER = load_study(Path("config/paper.yaml"))


def test_a_sweeps_seconds_are_those_of_its_distinct_mixtures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A million tokens take one second for each rank, and 5000 at full size; what lies between is on the line."""
    timings = []

    def timed(sizes: Any, ranks: Any, active: int, device: Any, dtype: Any) -> Speed:
        timings.append((len(ranks), active, ranks[0] if ranks else "public"))
        seconds = {1: 1.0, 2048: 2048.0, "full": 5000.0}[ranks[0]] if ranks else 1.0
        return Speed(seconds / 1e6, seconds / 1e6)

    monkeypatch.setattr(speed, "_time_layer", timed)
    found = time_layers(PAPER, sizes_of(PAPER), "bfloat16")
    ladder = sum(2**step for step in range(12)) + 2 * 5000  # 4096, which 8192 and 16384 are too, and full run dense
    assert 1e6 * found["math"].prompt == pytest.approx(ladder)
    assert 1e6 * found["joint-a4"].new == pytest.approx(ladder)
    assert 1e6 * found["joint-a4-selected"].prompt == pytest.approx(2 * 5000)
    assert 1e6 * found["public"].prompt == pytest.approx(1)
    assert len(timings) == len(set(timings)) == 1 + 4 * 3


def test_every_sweep_of_a_tiny_family_is_timed(composed: Any) -> None:
    before = torch.get_default_dtype()
    found = time_layers(composed, sizes_of(composed), "float32")
    assert torch.get_default_dtype() == before
    assert found.keys() == {sweep.name for sweep in sweeps(composed)}
    assert all(seconds.prompt > 0 and seconds.new > 0 for seconds in found.values())
