"""The three shapes, against other fitters."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.findings.shapes import NO_ITEMS, compare_shapes, isotonic, quadratic, saturating
from flexmore.analysis.inputs import Inputs
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=400)


def test_three_shapes_against_other_fitters() -> None:
    x = np.arange(7.0)
    y = np.array([0.02, 0.05, 0.2, 0.31, 0.36, 0.39, 0.38])
    assert quadratic(x, y) == pytest.approx(np.polyval(np.polyfit(x, y, 2), x))
    assert isotonic(x, y)[-2:] == pytest.approx([0.385, 0.385])

    def curve(x: np.ndarray, level: float, height: float, steep: float, middle: float) -> np.ndarray:
        return level + height / (1 + np.exp(-steep * (x - middle)))

    free = curve(x, *curve_fit(curve, x, y, p0=(0, 0.4, 1.5, 2))[0])
    grid = saturating(x, y)
    assert np.square(grid - y).sum() <= 1.5 * np.square(free - y).sum() + 1e-4
    falling = saturating(x, -y)
    assert falling == pytest.approx(np.full(7, -y.mean()))  # it never falls


def test_without_items_no_shape_is_judged(study: Inputs) -> None:
    tables = analyze(Inputs(study.scores), SETTINGS, {})
    assert set(tables["shapes"]["note"]) == {NO_ITEMS}
    assert set(compare_shapes(study.scores, None, tables["regression_fits"], SETTINGS)["best_fit"]) == {""}
    assert tables["optima"].empty
    assert tables["chosen"].empty
    assert tables["skill_ranks"].empty
