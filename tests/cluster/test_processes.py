"""Which processes count as a run that is still alive."""

import subprocess
import sys
from pathlib import Path

import pytest
from living_processes import living_process, write_program

from flexmore.cluster.processes import find_processes, is_study


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


def test_a_run_elsewhere_and_other_programs_here_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = living_process(tmp_path / "elsewhere", sys.executable, write_program(tmp_path, "snakemake"))
    editor = living_process(tmp_path, sys.executable, write_program(tmp_path, "editor"), "snakemake")
    with elsewhere, editor:
        assert find_processes(tmp_path) == []


def test_the_run_that_we_were_started_from_does_not_count(tmp_path: Path) -> None:
    inner = (
        "from flexmore.cluster.processes import find_processes; from pathlib import Path; print(find_processes(Path()))"
    )
    outer = tmp_path / "flexmore"
    outer.write_text(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)")
    done = subprocess.run([sys.executable, outer], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
