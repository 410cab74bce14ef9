"""What could not fail stands apart from what could."""

import pandas as pd

from flexmore.analysis.findings.predictions import BROKEN, PASSED
from flexmore.report.page.sections.certainty import predictions
from flexmore.report.page.sentences.certainty import say_predictions


def test_checks_are_no_predictions(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["predictions"]
    check = rows["holds"] == PASSED
    assert check.sum() == 1
    counted, checked = predictions(tables, ()).split("Checked as well, but no prediction")
    [text] = rows.loc[check, "prediction"]
    assert text not in counted
    assert f"| {text} |" in checked
    assert checked.endswith("| passed |")
    assert (
        f"Of {rows.loc[~check, 'number'].nunique()} predictions that could fail"
        in say_predictions(dict(tables, predictions=rows.assign(holds=rows["holds"].mask(~check, "yes"))))[-1]
    )


def test_a_check_that_fails_is_said_to(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["predictions"]
    broken = rows.assign(holds=rows["holds"].replace(PASSED, BROKEN))
    assert predictions(dict(tables, predictions=broken), ()).endswith("| **failed** |")


def test_without_checks_nothing_is_said_of_them(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["predictions"]
    assert "Checked" not in predictions(dict(tables, predictions=rows[rows["holds"] != PASSED]), ())
