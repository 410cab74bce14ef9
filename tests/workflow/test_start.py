"""What happens before the jobs of a run: where another run is alive, and where none is."""

from pathlib import Path
from typing import Any

import pytest

from flexmore.config.loading import dump_study, load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.workflow import start

OTHER_JOB = ["a job of another run"]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Return a study whose results hold what a killed run has left."""
    made = load_study({
        "family": "small", "results": str(tmp_path), "ranks": [1],
        "experts": {"public": {"source": "pocket"}, "math": {"source": "pocket"}},
        "joint": {"active": [1], "selections": []},
    })  # fmt: skip
    made.paths.root.mkdir()
    (made.paths.root / ".scores.json.x.tmp").write_text("half")
    return made


def begin(monkeypatch: Any, study: Study, *, queued: Any = (), here: Any = (), cluster: bool = False) -> Path:
    """Start a run and return the configuration's file."""
    monkeypatch.setattr(start, "find_jobs", lambda folder: list(queued))
    monkeypatch.setattr(start, "find_processes", lambda folder: list(here))
    config = study.paths.root / "config.yaml"
    start.start_run(study, config, Path.cwd(), cluster=cluster)
    return config


def leftovers(study: Study) -> list[Path]:
    return list(study.paths.root.glob(".*.tmp"))


def test_alone_it_writes_the_configuration_and_clears_what_was_left(study: Study, monkeypatch: Any) -> None:
    assert leftovers(study)
    config = begin(monkeypatch, study)
    assert config.read_text() == dump_study(study)
    assert not leftovers(study)


def test_an_unchanged_configuration_is_not_written_again(study: Study, monkeypatch: Any) -> None:
    before = begin(monkeypatch, study).stat().st_mtime_ns
    assert begin(monkeypatch, study).stat().st_mtime_ns == before


def test_another_configuration_is_refused_while_a_run_is_alive(study: Study, monkeypatch: Any) -> None:
    with pytest.raises(FlexmoreError, match=r"a run is alive in this folder and reads .*config\.yaml"):
        begin(monkeypatch, study, here=OTHER_JOB)
    assert leftovers(study)
    assert not (study.paths.root / "config.yaml").exists()


def test_the_same_configuration_may_run_at_the_same_time(study: Study, monkeypatch: Any) -> None:
    (study.paths.root / "config.yaml").write_text(dump_study(study))
    begin(monkeypatch, study, here=OTHER_JOB)
    assert leftovers(study)


def test_nothing_is_submitted_while_jobs_of_another_run_are_queued(study: Study, monkeypatch: Any) -> None:
    with pytest.raises(FlexmoreError, match=r"1 jobs of another run .*flexmore resume"):
        begin(monkeypatch, study, queued=OTHER_JOB, cluster=True)
