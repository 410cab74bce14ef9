"""What happens before the jobs of a run: where another run is alive, and where none is."""

import subprocess
import sys
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from living_processes import living_process, write_program

from flexmore.cluster.owner import claim, this_run
from flexmore.config.loading import dump_study, load_study
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.workflow import start
from flexmore.workflow.depends import Dependencies
from flexmore.workflow.jobs import StudyJobs

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
    (made.paths.root / ".scores.json.0a1b2c3d.tmp").write_text("half")
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


def test_a_run_of_another_folder_keeps_its_results(study: Study, monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "their folder").mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = replace(
            this_run(tmp_path / "their folder", "x"), pid=other.pid, created=psutil.Process(other.pid).create_time()
        )
        claim(study.paths.root, theirs)
        with pytest.raises(
            FlexmoreError, match=rf"belongs to a run that is alive \(process {other.pid} .*their folder"
        ):
            begin(monkeypatch, study)
        assert not (study.paths.root / "config.yaml").exists()
        assert leftovers(study)
        other.communicate(b"\n")
    begin(monkeypatch, study)
    assert not leftovers(study)


def test_a_job_that_a_killed_run_has_left_elsewhere_keeps_them_too(
    study: Study, monkeypatch: Any, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "their folder"
    elsewhere.mkdir()
    config = study.paths.root / "config.yaml"
    claim(study.paths.root, replace(this_run(elsewhere, "x"), pid=2**22 - 1, created=1.0))
    program = write_program(elsewhere, "flexmore")
    monkeypatch.setattr(start, "find_jobs", lambda folder: [])
    with (
        living_process(elsewhere, sys.executable, program, "evaluate", "math", "--config", str(config)) as left,
        pytest.raises(FlexmoreError, match=rf"a run that was killed and has left process {left.pid} "),
    ):
        start.start_run(study, config, Path.cwd(), cluster=False)
    start.start_run(study, config, Path.cwd(), cluster=False)


def changed(study: Study, **evaluate: Any) -> Study:
    return study.model_copy(update={"evaluate": study.evaluate.model_copy(update=evaluate)})


@pytest.fixture
def made(study: Study, tmp_path: Path, monkeypatch: Any) -> Path:
    """Return the configuration's file of results that a run in another folder made."""
    (tmp_path / "their folder").mkdir()
    monkeypatch.chdir(tmp_path / "their folder")
    config = begin(monkeypatch, study)
    (study.paths.root / "scores" / "math").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    return config


def test_what_another_folder_made_is_not_taken_for_a_changed_configurations(
    study: Study, made: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    with pytest.raises(FlexmoreError, match=r"another configuration \(evaluate\), made in .*their folder"):
        start.check_records(changed(study, limit=2), made, here)
    start.check_records(study, made, here)
    start.check_records(changed(study, max_gpus=2), made, here)  # which changes no result
    start.check_records(study.model_copy(update={"results": str(tmp_path / "others")}), tmp_path / "x.yaml", here)


def test_nor_are_results_whose_records_are_not_here(study: Study, made: Path, tmp_path: Path) -> None:
    (tmp_path / "their folder").rmdir()
    with pytest.raises(FlexmoreError, match=r"made without their records in \.snakemake"):
        start.check_records(changed(study, seed=2), made, tmp_path / "here")
    (study.paths.root / "scores" / "math").rmdir()
    start.check_records(changed(study, seed=2), made, tmp_path / "here")  # no scores has been made


def test_where_they_were_made_a_configuration_may_change(study: Study, made: Path, tmp_path: Path) -> None:
    output = str(study.paths.root / "scores" / "math")
    kept = tmp_path / "their folder" / ".snakemake" / "metadata"
    kept.mkdir(parents=True)
    name = urlsafe_b64encode(output.encode()).decode()
    pieces = [name[i : i + 254] for i in range(0, len(name), 254)]
    assert len(pieces) == 1
    (kept / name).write_text("{}")
    start.check_records(changed(study, limit=2), made, tmp_path / "their folder")


def test_results_of_an_older_version_are_all_to_be_made_again(study: Study, made: Path, tmp_path: Path) -> None:
    made.write_text("family: small\nformerly: 1\n")
    with pytest.raises(FlexmoreError, match=r"\(evaluate\)"):
        start.check_records(study, made, tmp_path / "here")


def test_every_step_that_can_change_has_outputs(study: Study) -> None:
    assert {step for step, _ in Dependencies(study).by_job()} == set(start.outputs_of(StudyJobs(study)))


def test_what_was_made_by_hand_beside_the_study_stops_nothing(study: Study, made: Path, tmp_path: Path) -> None:
    (study.paths.root / "scores" / "math").rename(study.paths.root / "scores" / "imported")
    start.check_records(changed(study, limit=2), made, tmp_path / "here")
