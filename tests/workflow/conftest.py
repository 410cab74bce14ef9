"""The smoke study, run once for all tests that look at a finished one, and fresh clones."""

from pathlib import Path

import pytest
from clones import Clone
from shared_folders import shared_folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The finished smoke study. Tests that change something take `copy`."""
    return Clone(shared_folder(tmp_path_factory, "finished", lambda folder: Clone.make(folder).snakemake()))


@pytest.fixture
def copy(finished: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished smoke study."""
    return finished.copy(tmp_path / "clone")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A fresh clone: nothing has been computed."""
    return Clone.make(tmp_path / "clone")
