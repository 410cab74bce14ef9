"""Monotone fits against scipy's, and what is read from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from flexmore.analysis.statistics.isotonic import arrival, crossing, monotone, reach


@settings(max_examples=60)
@given(st.lists(st.lists(st.floats(-1, 1), min_size=5, max_size=5), min_size=1, max_size=6))
def test_monotone_is_scipys_for_every_curve(curves: list[list[float]]) -> None:
    fit = monotone(np.array(curves))
    for row, curve in zip(fit, curves, strict=True):
        assert row == pytest.approx(isotonic_regression(curve).x, abs=1e-12)


def test_where_curves_pass_a_level() -> None:
    ranks, fits = np.array([0.0, 1.0, 2.0]), np.array([[0, 0.4, 0.4], [0.5, 0.5, 0.5], [0, 0.1, 0.2]])
    target = np.full(3, 0.3)
    assert list(reach(fits, target)) == [1, 0, 3]
    assert list(crossing(ranks, fits, target)) == [pytest.approx(0.75), -np.inf, np.inf]
    assert reach(np.array([0.3 - 1e-13]), np.asarray(0.3)) == 0


def test_a_gain_that_comes_at_once_arrives_there() -> None:
    ranks = np.arange(7.0)
    for place in (1, 3, 5):
        steps = (ranks >= place).astype(float)
        assert arrival(ranks, steps, np.asarray(1.0)) == pytest.approx(place - 0.5)
    logistic = 1 / (1 + np.exp(-3 * (ranks - 3)))
    assert arrival(ranks, logistic, np.asarray(1.0)) == pytest.approx(3, abs=0.01)
