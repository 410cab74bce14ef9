"""Jobs found again from what Snakemake and SLURM say; SLURM's answers are typed here, tests/slurm/ asks a real one."""

import subprocess
from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from flexmore.cluster import resume as resuming
from flexmore.cluster import slurm as cluster
from flexmore.cluster.resume import resume
from flexmore.cluster.slurm import ClusterJob, find_jobs, find_runs, find_unrecorded
from flexmore.errors import FlexmoreError

RUN = "0fb5d0c2-6e1f-4d4e-9d2f-3c1f6d5c7a10"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which two runs were started, the older one without a cluster."""
    log = tmp_path / ".snakemake" / "log"
    log.mkdir(parents=True)
    (log / "2026-01-01T000000.000000.snakemake.log").write_text("  Host: laptop\nProvided cores: 2\n")
    (log / "2026-01-02T000000.000000.snakemake.log").write_text(
        f"SNAKEMAKE\n  Host: login1\n  User: me\nSLURM run ID: {RUN}\nUsing shell\n"
    )
    return tmp_path


def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **answers: str) -> None:
    """Programs that answer; one whose answer begins with `error:` fails with it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, answer in answers.items():
        code = f"echo '{answer}' >&2; exit 1" if answer.startswith("error:") else f"printf '%s' '{answer}'"
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/asked\n{code}\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")


def record(folder: Path, kind: str, output: str) -> None:
    """Let Snakemake's own persistence know an output."""
    place = folder / ".snakemake" / kind
    place.mkdir(exist_ok=True)
    Records()._io_write(str(place), {}, output)


class Records(FilePersistence):
    """Snakemake's, without a workflow."""

    _max_len = 255

    def __init__(self) -> None:
        pass


def test_runs_are_known_from_their_logs(folder: Path) -> None:
    assert find_runs(folder) == {RUN: "login1"}
    assert find_runs(folder / "elsewhere") == {}


def test_living_jobs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(folder, monkeypatch, squeue="12|RUNNING|rule_evaluate_wildcards_math\n14|PENDING|rule_collect\n")
    assert find_jobs(folder) == [
        ClusterJob("12", "RUNNING", "rule_evaluate_wildcards_math"),
        ClusterJob("14", "PENDING", "rule_collect"),
    ]
    assert RUN in (folder / "asked").read_text()


def test_without_a_cluster_nobody_is_asked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.shutil, "which", lambda _: None)
    assert find_jobs(folder) == []
    monkeypatch.undo()
    (tmp_path / "fresh").mkdir()
    slurm(tmp_path, monkeypatch, squeue="error: down")
    assert find_jobs(tmp_path / "fresh") == []


def test_a_slurm_that_does_not_answer_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(folder, monkeypatch, squeue="error: Unable to contact slurm controller")
    with pytest.raises(FlexmoreError, match=r"squeue: error: Unable to contact slurm controller; .*try again"):
        find_jobs(folder)


def test_outputs_that_jobs_finished_alone(folder: Path) -> None:
    long = "results/" + "very/" * 60 + "long"
    record(folder, "metadata", "known")
    record(folder, "metadata", "known" + long)
    record(folder, "incomplete", "half")
    assert find_unrecorded(folder, ["done", "half", long, "known", "known" + long]) == ["done", long]


def test_resume_on_another_host_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(resuming.platform, "node", lambda: "login2")
    monkeypatch.setattr(resuming, "find_jobs", lambda _: pytest.fail("it went on"))
    with pytest.raises(FlexmoreError, match=r"started on login1; .* from login2: .* nothing was changed"):
        resume(["--jobs", "2"])
    calls: list[list[str]] = []
    monkeypatch.setattr(resuming, "find_jobs", lambda _: [])
    monkeypatch.setattr(
        resuming.subprocess, "run", lambda command, check: calls.append(command) or subprocess.CompletedProcess([], 1)
    )
    assert resume(["--jobs", "2", "--dead"]) == 1
    assert calls[0][3:] == ["--unlock", "--jobs", "2"]
