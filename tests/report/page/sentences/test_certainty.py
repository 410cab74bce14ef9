"""Sentences on predictions and training seeds."""

import pandas as pd

from flexmore.analysis.findings.predictions import PASSED
from flexmore.analysis.findings.seeds import HOLDS
from flexmore.report.page.sentences import certainty


def test_how_far_the_seeds_agree(seed_tables: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]) -> None:
    apart, held = certainty.say_spread(seed_tables)
    assert apart == "Between the seeds full's gain on its own domain differs by up to 20.0 points (math)."
    rows = seed_tables["seeds"]
    one = (rows["quantity"] == HOLDS) & (rows["subject"] == "4") & (rows["seed"] == "2")
    changed = certainty.say_spread(dict(seed_tables, seeds=rows.assign(text=rows["text"].mask(one, "no"))))[1]
    judged = rows[(rows["quantity"] == HOLDS) & rows["text"].isin(["yes", "no"])]
    always = int((judged["text"] == "yes").groupby(judged["subject"]).all().sum())
    total = judged["subject"].nunique()
    assert held.startswith(
        f"Of the {total} predictions that could fail {always} held for every seed; prediction 2 for 0"
    )
    assert "prediction 4" not in held
    assert changed.startswith(f"Of the {total} predictions that could fail {always - 1} held for every seed; ")
    assert "prediction 4 for 2 of 3" in changed
    assert certainty.say_spread(tables) == []


def test_what_was_planted_is_said_to_be_found_or_not(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["predictions"][tables["predictions"]["holds"] != PASSED].assign(holds="yes")
    count = rows["number"].nunique()
    found, held = certainty.say_predictions(dict(tables, predictions=rows))
    assert found.startswith("What was planted is found again")
    assert held == f"Of {count} predictions that could fail {count} held."
    one = (rows["number"] == 5) & (rows["subject"] == "math")
    missed, said = certainty.say_predictions(dict(tables, predictions=rows.assign(holds=rows["holds"].mask(one, "no"))))
    assert missed == "**What was planted is not all found again**: prediction 5 failed."
    assert said.startswith(
        f"Of {count} predictions that could fail {count - 1} held. Prediction 5 failed (a random delta"
    )
    assert "math" in said
    assert "news" not in said
