"""Holm's correction, against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from flexmore.analysis.statistics.holm import holm


def test_holm_is_statsmodels() -> None:
    generator = np.random.default_rng(0)
    for count in (1, 2, 7, 30):
        p = np.round(generator.random(count) ** 3, 2)  # with ties
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert len(holm([])) == 0
