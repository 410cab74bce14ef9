"""Which processes count as a run that is still alive."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flexmore.cluster import resume as resuming
from flexmore.cluster.resume import is_study, resume, running_here
from flexmore.errors import FlexmoreError

SLEEP = "import sys, time; print('up', flush=True); time.sleep(600)"


@contextmanager
def process(folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A process in `folder` that has said that it is up."""
    found = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert found.stdout is not None
        assert found.stdout.readline() == "up\n"
        yield found
    finally:
        found.kill()
        found.communicate()


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text(SLEEP)
    return str(path)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("snakemake --cores 2", True),
        ("/usr/bin/python3 /venv/bin/snakemake --cores 2", True),
        ("/venv/bin/python -m snakemake --cores 2", True),
        ("python3.11 -u -m snakemake", True),
        ("python -m flexmore evaluate math", True),
        ("/venv/bin/python /venv/bin/flexmore acquire math", True),
        ("mypy flexmore", False),
        ("ls -l flexmore", False),
        ("python -m pytest flexmore", False),
        ("python script.py snakemake", False),
        ("vim Snakefile", False),
        ("", False),
    ],
)
def test_which_commands_are_a_study(command: str, expected: bool) -> None:
    assert is_study(command.split()) is expected


@pytest.mark.parametrize("name", ["snakemake", "flexmore"])
def test_a_living_run_in_this_folder_is_found_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resuming.subprocess, "run", lambda *_, **__: pytest.fail("it went on"))
    with process(tmp_path, sys.executable, program(tmp_path, name), "--cores", "2") as alive:
        assert [found.pid for found in running_here(tmp_path)] == [alive.pid]
        with pytest.raises(FlexmoreError, match=rf"(?s)still alive.*{alive.pid} .*nothing was changed"):
            resume(["--cores", "2"])
        monkeypatch.chdir("/")
        with pytest.raises(FlexmoreError, match="still alive"):
            resume(["--cores", "2", "--directory", str(tmp_path)])
    assert running_here(tmp_path) == []


def test_a_run_elsewhere_and_other_programs_here_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = process(tmp_path / "elsewhere", sys.executable, program(tmp_path, "snakemake"))
    editor = process(tmp_path, sys.executable, program(tmp_path, "editor"), "snakemake")
    with elsewhere, editor:
        assert running_here(tmp_path) == []


def test_the_run_that_we_were_started_from_does_not_count(tmp_path: Path) -> None:
    inner = "from flexmore.cluster.resume import running_here; from pathlib import Path; print(running_here(Path()))"
    outer = tmp_path / "flexmore"
    outer.write_text(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)")
    done = subprocess.run([sys.executable, outer], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


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
