"""The smoke study on this machine, and clones for it on a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clones import Clone
from slurm_cluster import Cluster, cluster


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The smoke study, run here without a cluster; SLURM's commands, which the executor plugin asks, fail at once."""
    place = Clone.make(tmp_path_factory.mktemp("local") / "clone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", "/dev/null")
        place.snakemake()
    return place


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A fresh clone whose configuration asks for a GPU where there is one."""
    place = Clone.make(tmp_path / "clone")
    place.configure(lambda content: content.update(factors={"device": "auto"}, evaluate={"device": "auto"}))
    return place


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    """A SLURM with accounting, which kills jobs that take more memory than they requested."""
    with cluster("--db", oom="1") as found:
        yield found


@pytest.fixture(scope="module")
def plain() -> Iterator[Cluster]:
    """A SLURM without accounting."""
    with cluster() as found:
        yield found


@pytest.fixture
def place(local: Clone, tmp_path: Path) -> Clone:
    """A copy of the finished study, to forget some of it and go on from there."""
    return local.copy(tmp_path / "clone")
