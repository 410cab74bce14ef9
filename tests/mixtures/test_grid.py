"""Which mixtures there are, and what they are called."""

from pathlib import Path

from flexmore.config.loading import load_study
from flexmore.mixtures.grid import count_kinds, grid, sweeps


def test_the_study_has_150_mixtures_with_the_names_of_the_words() -> None:
    mixtures = grid(load_study(Path("config/config.yaml")))
    found = count_kinds(mixtures)
    assert (found["baseline"], found["pair"], found["joint"]) == (1, 96, 54)
    names = [mixture.name for mixture in mixtures]
    assert len(set(names)) == len(names)
    assert {"math-r16", "math-full", "joint-a4-r16", "joint-a4-full", "joint-a4-best", "joint-a7-best2"} <= set(names)
    assert {m.rank for m in mixtures if m.kind == "extra"} == {"3", "6", "12", "24", "48"}
    assert all(len(m.experts) == 1 for m in mixtures if m.kind in ("extra", "control"))


def test_a_sweep_loads_one_backbone() -> None:
    found = sweeps(load_study(Path("config/config.yaml")))
    for sweep in found:
        assert {mixture.experts for mixture in sweep.mixtures} == {sweep.experts}
    assert [sweep.name for sweep in found if any(m.selected for m in sweep.mixtures)] == [
        "joint-a2-selected",
        "joint-a4-selected",
        "joint-a7-selected",
    ]
