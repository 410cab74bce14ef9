"""Sentences on predictions and training seeds."""

import pandas as pd

from flexmore.analysis.findings.seeds import HOLDS
from flexmore.report.page.sentences import certainty


def test_how_far_the_seeds_agree(seed_tables: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]) -> None:
    apart, held = certainty.say_spread(seed_tables)
    assert apart == "Between the seeds full's gain on its own domain differs by up to 20.0 points (math)."
    rows = seed_tables["seeds"]
    one = (rows["quantity"] == HOLDS) & (rows["subject"] == "4") & (rows["seed"] == "2")
    changed = certainty.say_spread(dict(seed_tables, seeds=rows.assign(text=rows["text"].mask(one, "no"))))[1]
    less = "prediction 2 for 0 of 3, prediction 3 for 0 of 3"
    assert held == f"Of the 9 predictions that could fail 6 held for every seed; {less} and prediction 7 for 0 of 3."
    assert changed.endswith(f"fail 5 held for every seed; {less}, prediction 4 for 2 of 3 and prediction 7 for 0 of 3.")
    assert certainty.say_spread(tables) == []


def test_what_was_planted_is_said_to_be_found_or_not(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["predictions"].query("number < 11").assign(holds="yes")
    found, held = certainty.say_predictions(dict(tables, predictions=rows))
    assert found.startswith("What was planted is found again")
    assert held == "Of 10 predictions that could fail 10 held."
    one = (rows["number"] == 5) & (rows["subject"] == "math")
    missed, said = certainty.say_predictions(dict(tables, predictions=rows.assign(holds=rows["holds"].mask(one, "no"))))
    assert missed == "**What was planted is not all found again**: prediction 5 failed."
    assert said.startswith("Of 10 predictions that could fail 9 held. Prediction 5 failed (a random delta")
    assert "math" in said
    assert "news" not in said
