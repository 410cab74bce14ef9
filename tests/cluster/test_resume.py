"""Resuming: refused beside a living run, else unlock and run."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from living_processes import living_process, write_program
from snakemake.cli import parse_args

from flexmore.cluster import resume as resuming
from flexmore.cluster.owner import claim, this_run
from flexmore.cluster.processes import find_processes
from flexmore.cluster.resume import resume
from flexmore.errors import FlexmoreError


@pytest.mark.parametrize("name", ["snakemake", "flexmore"])
def test_a_living_run_in_this_folder_is_found_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resuming.subprocess, "run", lambda *_, **__: pytest.fail("it went on"))
    with living_process(tmp_path, sys.executable, write_program(tmp_path, name), "--cores", "2") as alive:
        assert [found.pid for found in find_processes(tmp_path)] == [alive.pid]
        with pytest.raises(FlexmoreError, match=rf"(?s)still alive.*{alive.pid} .*nothing was changed"):
            resume(["--cores", "2"])
        monkeypatch.chdir("/")
        with pytest.raises(FlexmoreError, match="still alive"):
            resume(["--cores", "2", "--directory", str(tmp_path)])
    assert find_processes(tmp_path) == []


def test_unlocks_then_runs_and_a_failing_unlock_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[list[str]] = []
    statuses = iter([0, 1])

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        calls.append(command[3:])
        return subprocess.CompletedProcess(command, next(statuses))

    monkeypatch.setattr(resuming.subprocess, "run", run)
    monkeypatch.setattr(resuming.os, "execv", lambda _, command: calls.append(command[3:]))
    resume(["--cores", "2"])
    assert calls == [["--unlock", "--cores", "2"], ["--rerun-incomplete", "--cores", "2"]]
    calls.clear()
    assert resume(["--cores", "2"]) == 1
    assert calls == [["--unlock", "--cores", "2"]]


def test_a_run_on_another_host_that_is_known_to_be_dead_gives_its_results_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = yaml.safe_load((Path("tests") / "workflow" / "smoke.yaml").read_text())
    root = tmp_path / "results" / "smoke"
    claim(root, replace(this_run(tmp_path, "x"), host="login7"))
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    monkeypatch.setattr(resuming.subprocess, "run", lambda command, check: subprocess.CompletedProcess(command, 0))
    monkeypatch.setattr(resuming.os, "execv", lambda *_: None)
    given = ["--configfile", "study.yaml", "--cores", "2"]
    resume(given)
    with pytest.raises(FlexmoreError, match="another host"):
        claim(root, this_run(tmp_path, "y"))
    resume([*given, "--dead"])
    claim(root, this_run(tmp_path, "y"))


def test_a_configuration_that_cannot_be_read_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resuming.subprocess, "run", lambda *_, **__: pytest.fail("it went on"))
    Path("study.yaml").write_bytes("# Größe\n".encode("latin-1"))
    with pytest.raises(FlexmoreError, match=r"study\.yaml: not UTF-8: byte 0xf6 in line 1"):
        resume(["--cores", "2", "--configfile", "study.yaml"])


@pytest.mark.parametrize("setting", ['  - "evaluate={gpu_memory: 80}"', "  evaluate: {gpu_memory: 80}"])
def test_the_configuration_counts_what_a_profile_changes(tmp_path: Path, setting: str) -> None:
    """As workflow/rules/study.smk does: what jobs finished is recorded only if the configuration is still the same."""
    (tmp_path / "config.yaml").write_text(f"config:\n{setting}\n")
    given = ["--configfile", "config/paper.yaml", "--workflow-profile", str(tmp_path), "--jobs", "1"]
    study = resuming._study_of(parse_args(given)[1])
    assert study is not None
    assert study.evaluate.gpu_memory == 80
    assert study.evaluate.limit == 1000
