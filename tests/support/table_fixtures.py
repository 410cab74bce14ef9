"""Fixtures: made-up studies whose truth is known."""

from collections.abc import Callable

import pytest
from made_tables import Made, factors_of, make

from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.collecting import collect
from flexmore.analysis.tables.scores import split_controls

Maker = Callable[[Made], Inputs]


@pytest.fixture(scope="session")
def study_of(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A function from a `Made` to the inputs of its analysis."""

    def build(made: Made) -> Inputs:
        scores, items, _ = collect(*make(made, tmp_path_factory.mktemp("scores")))
        scores, controls = split_controls(scores)
        adapters, spectra = factors_of(made)
        return Inputs(scores, items, controls, adapters, spectra)

    return build


@pytest.fixture(scope="session")
def study(study_of: Maker) -> Inputs:
    """The default made-up study."""
    return study_of(Made())
