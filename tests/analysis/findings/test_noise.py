"""The noise floor."""

import pytest

from flexmore.analysis.findings.noise import noise_floor
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.statistics.item_scores import ItemScores
from flexmore.analysis.statistics.scopes import scopes_of
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=400)


def test_the_noise_floor_is_what_full_and_saturated_differ_in(study: Inputs) -> None:
    item_scores = study.item_scores()
    scopes = scopes_of(study.scores)
    table = noise_floor(study.scores, item_scores, scopes, SETTINGS)
    assert set(table["rank"]) == {"64"}
    assert (table[["difference", "differ"]] == 0).all(axis=None)
    assert table[table["scope"] == "average"]["items"].tolist() == [1100] * 3
    assert item_scores is not None
    rounded = item_scores.values[0].copy()
    rounded[item_scores.names.index("math-full"), 0] = 1 - rounded[item_scores.names.index("math-full"), 0]
    other = ItemScores(item_scores.names, item_scores.tasks, (rounded, *item_scores.values[1:]))
    found = noise_floor(study.scores, other, scopes, SETTINGS).set_index(["expert", "name"])
    assert found.loc[("math", "average"), "differ"] == 1
    assert abs(found.loc[("math", "MC9"), "difference"]) == pytest.approx(1 / 50 / 4)
    below = study.scores[~study.scores["rank"].isin(["128", "256"])]
    assert noise_floor(below, item_scores, scopes, SETTINGS).empty  # nothing says that 64 saturates
