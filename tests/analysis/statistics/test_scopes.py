"""Scopes and their weights."""

import numpy as np
import pytest

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.scopes import averages, scopes_of


def test_the_average_is_over_group_means_not_tasks(study: Inputs) -> None:
    found = averages(study.scores).set_index("mixture")
    rows = study.scores[study.scores["mixture"] == "math-r8"]
    groups = {group: rows[rows["group"] == group]["score"].mean() for group in rows["group"].unique()}
    assert found.loc["math-r8", list(groups)].to_dict() == pytest.approx(groups)
    assert found.loc["math-r8", "average"] == pytest.approx(np.mean(list(groups.values())))
    assert found.loc["math-r8", "average"] != pytest.approx(rows["score"].mean())


def test_weights_sum_to_one(study: Inputs) -> None:
    scopes = scopes_of(study.scores)
    assert scopes.weights.sum(axis=1) == pytest.approx(1)
    assert list(scopes.index["scope"]).count("task") == len(scopes.tasks)
