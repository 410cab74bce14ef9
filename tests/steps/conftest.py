"""Made-up studies whose tables are asked."""

from typing import Any

import pytest
from made_tables import Made
from table_fixtures import study_of as made_up  # noqa: F401

from flexmore.analysis.inputs import Inputs


@pytest.fixture(scope="session")
def made_study(made_up: Any) -> Inputs:  # noqa: F811
    """A small made-up study that has everything."""
    midpoints = {"math": 4.0, "news": 8.0}
    found: Inputs = made_up(Made(midpoints=midpoints, ladder=(1, 4, 8, 16, 64), extras=(3,), active=(2, 3), items=30))
    return found
