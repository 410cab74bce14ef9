"""Whether gains that add up are recognised."""

import pytest
from made_tables import Made

from flexmore.analysis.selection.additivity import additivity, adds_up
from flexmore.analysis.selection.budget import choices_of
from flexmore.analysis.statistics.gains import gains


def test_gains_that_add_up_are_recognised_and_those_that_do_not(study_of: object) -> None:
    """best gives every expert 32 and best2 16 in the made-up study, so their sums are those of the uniform ranks."""
    inputs = study_of(Made())  # type: ignore[operator]
    gained = gains(inputs.scores, inputs.items)
    choices = choices_of(gained)
    selected = {"best": dict.fromkeys(choices.experts, "32"), "best2": dict.fromkeys(choices.experts, "16")}
    table = additivity(gained, choices, selected)
    rows = table[table["closer"] != ""]
    assert set(rows["rank"]) == {"best", "best2"}
    assert rows["from_sum"].to_numpy() == pytest.approx(rows["joint_gain"].to_numpy())
    assert adds_up(table[table["closer"] == ""]) is None
    # ranks that are said to be higher than they were: the sum overstates, the parameters do not
    wrong = {rule: dict.fromkeys(choices.experts, "64") for rule in selected}
    misled = additivity(gained, choices, wrong)
    assert set(misled.loc[misled["closer"] != "", "closer"]) == {"parameters"}
    by_sum, by_size = adds_up(misled)  # type: ignore[misc]
    assert by_sum > by_size
