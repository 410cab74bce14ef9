"""Simulated studies of the paper's size: what is planted is found, what is not is not called.

40 studies of each truth here, which would show a gross mistake; `benchmarks/truths.py` draws 1,000.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

STUDIES = 40


@pytest.fixture(scope="module")
def truths() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "truths.py"
    spec = importlib.util.spec_from_file_location("truths", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["truths"] = module
    spec.loader.exec_module(module)
    return module


def _most(rate: float) -> float:
    """Return the highest share of studies that a call of this level may have: three standard errors more."""
    return rate + 3 * float(np.sqrt(rate * (1 - rate) / STUDIES))


def _least(rate: float) -> float:
    return rate - 3 * float(np.sqrt(rate * (1 - rate) / STUDIES))


@pytest.mark.parametrize(
    ("truth", "found", "rare"),
    [
        ("A", {"higher": 0.8, "both optima": 0.9}, {"lower": 0.025}),
        ("D", {"lower": 0.8}, {"higher": 0.025}),
        ("E", {}, {"higher": 0.025, "lower": 0.025}),
        ("F", {}, {"higher": 0.025, "lower": 0.025, "an optimum somewhere": 0.05}),
        ("I", {}, {"an optimum somewhere": 0.05}),
        ("J", {}, {"an optimum somewhere": 0.05, "higher": 0.025}),
        ("L", {"no rank beats public": 0.95}, {"an optimum somewhere": 0.05}),
        ("M", {"no rank beats public": 0.95}, {"an optimum somewhere": 0.05}),
    ],
)
def test_truths_are_told_apart(truths: ModuleType, truth: str, found: dict[str, float], rare: dict[str, float]) -> None:
    drawer = truths.Drawer(truths.paper_suite())
    rates = truths.rates(truth, [drawer.study(truths.TRUTHS[truth], (99, study)) for study in range(STUDIES)])
    for name, power in found.items():
        assert rates[name] >= _least(power), (name, rates[name])
    for name, level in rare.items():
        assert rates[name] <= _most(level), (name, rates[name])
