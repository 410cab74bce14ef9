"""Jobs found again from what Snakemake and SLURM say; SLURM's answers are typed here, tests/slurm/ asks a real one."""

import base64
import json
from pathlib import Path

import pytest

from flexmore import cluster
from flexmore.cluster import ClusterJob, finished_outputs, living, runs
from flexmore.errors import FlexmoreError

RUN = "0fb5d0c2-6e1f-4d4e-9d2f-3c1f6d5c7a10"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which two runs were started, the older one without a cluster."""
    log = tmp_path / ".snakemake" / "log"
    log.mkdir(parents=True)
    (log / "2026-01-01T000000.000000.snakemake.log").write_text("Provided cores: 2\n")
    (log / "2026-01-02T000000.000000.snakemake.log").write_text(f"host: login\nSLURM run ID: {RUN}\nUsing shell\n")
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


def mark(folder: Path, output: str, number: str | None) -> None:
    """Mark an output as unfinished, as Snakemake does: its name in base64, in pieces of 254 characters."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    pieces = [name[i : i + 254] for i in range(0, len(name), 254)]
    path = (folder / ".snakemake" / "incomplete").joinpath(*[f"@{piece}" for piece in pieces[:-1]], pieces[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"external_jobid": number}))


def test_runs_are_known_from_their_logs(folder: Path) -> None:
    assert runs(folder) == [RUN]
    assert runs(folder / "elsewhere") == []


def test_living_jobs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(folder, monkeypatch, squeue="12|RUNNING|rule_evaluate_wildcards_math\n14|PENDING|rule_collect\n")
    assert living(folder) == [
        ClusterJob("12", "RUNNING", "rule_evaluate_wildcards_math"),
        ClusterJob("14", "PENDING", "rule_collect"),
    ]
    assert RUN in (folder / "asked").read_text()


def test_without_a_cluster_nobody_is_asked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.shutil, "which", lambda _: None)
    assert living(folder) == finished_outputs(folder) == []
    monkeypatch.undo()
    (tmp_path / "fresh").mkdir()
    slurm(tmp_path, monkeypatch, squeue="error: down")
    assert living(tmp_path / "fresh") == []


def test_a_slurm_that_does_not_answer_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm(folder, monkeypatch, squeue="error: Unable to contact slurm controller")
    with pytest.raises(FlexmoreError, match=r"squeue: error: Unable to contact slurm controller; .*try again"):
        living(folder)


@pytest.mark.parametrize("accounting", [True, False])
def test_outputs_that_jobs_finished_alone(folder: Path, monkeypatch: pytest.MonkeyPatch, accounting: bool) -> None:
    long = "results/" + "very/" * 60 + "long"
    for output, number in {"done": "7", long: "7", "failed": "8", "gone": "7", "forgotten": "9", "local": None}.items():
        mark(folder, output, number)
        if output != "gone":
            (folder / output).parent.mkdir(parents=True, exist_ok=True)
            (folder / output).write_text("")
    answer = "7|COMPLETED\n8|FAILED\n"
    error = "error: Slurm accounting storage is disabled"
    slurm(folder, monkeypatch, sacct=answer if accounting else error, squeue=error if accounting else answer)
    assert finished_outputs(folder) == ["done", long]
