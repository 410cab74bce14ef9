"""Bootstrap samples over items and over tasks."""

import numpy as np
import pandas as pd
import pytest
from simulated import random_item_scores

from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.resampling import resample_items, resample_tasks, sample_normal
from flexmore.analysis.statistics.scopes import Scopes


def _average(tasks: int) -> Scopes:
    index = pd.DataFrame({"scope": ["average"], "name": ["average"], "tasks": [tasks]})
    return Scopes(index, np.full((1, tasks), 1 / tasks), [f"t{i}" for i in range(tasks)])


def test_samples_over_items_have_the_error_of_the_mean() -> None:
    item_scores = random_item_scores((3, 2, 80))
    samples = resample_items(item_scores, _average(3), 4000, 1)
    stderr, _ = item_scores.errors()
    expected = np.sqrt(np.square(stderr).sum(axis=1)) / 3
    assert samples.shape == (4000, 2, 1)
    assert samples.mean(axis=0)[:, 0] == pytest.approx(item_scores.means().mean(axis=1), abs=0.003)
    assert samples.std(axis=0)[:, 0] == pytest.approx(expected, rel=0.06)
    assert (samples == resample_items(item_scores, _average(3), 4000, 1)).all()
    equal = ItemScores(("a", "b"), ("t",), (np.repeat(item_scores.values[0][:1], 2, axis=0),))
    same = resample_items(equal, _average(1), 50, 0)
    assert (same[:, 0] == same[:, 1]).all()  # equal answers stay equal in every sample


def test_normal_samples_and_samples_over_tasks() -> None:
    means, stderr = np.array([[0.2, 0.6, 0.4, 0.9]]), np.full((1, 4), 0.02)
    samples = sample_normal(means, stderr, _average(4), 4000, 0)
    assert samples.std() == pytest.approx(0.01, rel=0.06)
    other = resample_tasks(means, _average(4), np.zeros(4, dtype=int), 8000, 0)
    assert other.std() == pytest.approx(means.std(ddof=1) / 2, rel=0.05)
    grouped = resample_tasks(means, _average(4), np.array([0, 0, 0, 1]), 100, 0)
    assert np.isnan(grouped).all()  # nothing is known of the spread of a single task
