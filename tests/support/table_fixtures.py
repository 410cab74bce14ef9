"""Fixtures: made-up studies whose truth is known."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from made_tables import Made, factors_of, make

from flexmore.analysis.all_tables import analyze
from flexmore.analysis.inputs import Inputs
from flexmore.analysis.tables.collecting import collect
from flexmore.analysis.tables.scores import split_controls
from flexmore.config.analysis import AnalysisSettings

SETTINGS = AnalysisSettings(bootstrap_samples=200)
FACTS = {"math": 200, "news": 400, "pes2o": 800}
Maker = Callable[[Made], Inputs]


@pytest.fixture(scope="session")
def study_of(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A function from a `Made` to the inputs of its analysis."""

    def build(made: Made) -> Inputs:
        found = collect(*make(made, tmp_path_factory.mktemp("scores")))
        scores, controls = split_controls(found.scores)
        adapters, spectra = factors_of(made)
        return Inputs(scores, found.items, controls, adapters, spectra)

    return build


@pytest.fixture(scope="session")
def study(study_of: Maker) -> Inputs:
    """The default made-up study."""
    return study_of(Made())


@pytest.fixture(scope="session")
def tables(study: Inputs) -> dict[str, pd.DataFrame]:
    """Every table of the default made-up study."""
    return analyze(study, SETTINGS, FACTS)


@pytest.fixture(scope="session")
def seed_tables(study_of: Maker) -> dict[str, pd.DataFrame]:
    """Every table of three runs whose gains differ."""
    others = {"1": study_of(Made(gain=0.5)), "2": study_of(Made(gain=0.7))}
    return analyze(replace(study_of(Made()), seed="0", others=others), SETTINGS, FACTS)
