"""Processes that look like a study's."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLEEP = "import sys, time; print('up', flush=True); time.sleep(600)"


@contextmanager
def living_process(folder: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process in a folder, once it has printed that it is up, until the end of the block."""
    found = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert found.stdout is not None
        assert found.stdout.readline() == "up\n"
        yield found
    finally:
        found.kill()
        found.communicate()


def write_program(folder: Path, name: str) -> str:
    """Write a program of that name that prints that it is up and sleeps; return its path."""
    path = folder / name
    path.write_text(SLEEP)
    return str(path)
