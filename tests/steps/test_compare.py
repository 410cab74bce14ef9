"""`flexmore compare --json` gives JSON of numbers."""

import json

from made_tables import Made
from table_fixtures import SETTINGS, Maker, study_of  # noqa: F401

from flexmore.steps.measured_tables import Measured
from flexmore.steps.use.compare import compare

SMALL = Made(midpoints={"math": 4.0, "news": 8.0}, ladder=(1, 8, 64), extras=(), active=(2,), items=20)


def test_what_is_compared_is_json_of_plain_numbers(study_of: Maker) -> None:  # noqa: F811
    measured = Measured(study_of(SMALL), SETTINGS, "made")
    found = json.loads(compare(measured, "math-full", "public", as_json=True))
    assert found["mixture"] == "math-full"
    assert found["items"] == 20 * len(SMALL.tasks())
    assert isinstance(found["only_first"], int | float)
    assert "partial" not in found
    assert "not complete" not in compare(measured, "math-full", "public")
