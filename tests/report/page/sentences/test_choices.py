"""Sentences on choices: strong words need a test."""

import pandas as pd

from flexmore.report.page.sentences import choices


def test_best_needs_a_test(tables: dict[str, pd.DataFrame]) -> None:
    comparisons = tables["comparisons"]
    assert not any(" is best" in text for text in choices.say_joint(tables))
    sure = comparisons.assign(verdict="lower")
    assert "`joint-a2-" in choices.say_joint(dict(tables, comparisons=sure))[1]
    assert (
        "is best: higher than every other after Holm's correction"
        in choices.say_joint(dict(tables, comparisons=sure))[1]
    )
    assert "optimum" not in " ".join(choices.say_reading(tables))


def test_mixtures_that_answer_alike_are_said_to(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["comparisons"]
    same = rows.assign(difference=0.0, only_first=0.0, only_other=0.0, verdict="cannot tell")
    text = " ".join(choices.say_joint(dict(tables, comparisons=same)))
    assert "which answer every item alike, have the highest average" in text
    assert "cannot tell" not in text
    assert "than every other" not in text


def test_what_a_choice_flatters_needs_an_interval(tables: dict[str, pd.DataFrame]) -> None:
    for low, optimism, words in ((0.01, 0.02, "average flatters"), (1e-4, 4e-4, "barely flatters")):
        held = tables["heldout"].assign(optimism_low=low, optimism=optimism)
        assert words in choices.say_selection(dict(tables, heldout=held))[0]
    held = tables["heldout"].assign(optimism_low=-0.01)
    assert "is not seen to flatter" in choices.say_selection(dict(tables, heldout=held))[0]
