"""One run of the smoke study for all tests that look at a finished one."""

from pathlib import Path

import pytest
from place import Place


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The smoke study, run on two cores. Read only: tests that change something take `place`."""
    place = Place.make(tmp_path_factory.mktemp("finished") / "clone")
    (place.folder / "run.log").write_text(place.snakemake().stdout)
    return place


@pytest.fixture
def place(finished: Place, tmp_path: Path) -> Place:
    """A copy of the finished smoke study."""
    return finished.copy(tmp_path / "clone")


@pytest.fixture
def clone(tmp_path: Path) -> Place:
    """A fresh clone: nothing has been computed."""
    return Place.make(tmp_path / "clone")
