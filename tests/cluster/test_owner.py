"""A results folder belongs to one run at a time, and to the next where the last is dead."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from flexmore.cluster import owner
from flexmore.cluster.owner import RECORD, Run, claim, forget, read_run, refuse_owned, release, this_run
from flexmore.errors import FlexmoreError


@contextmanager
def living_run(root: Path, **changed: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process own a folder."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        created = psutil.Process(process.pid).create_time()
        run = replace(this_run(root, "theirs"), pid=process.pid, created=created, command="snakemake --cores 1")
        (root / RECORD).write_text(json.dumps(asdict(replace(run, **changed))))
        try:
            yield process
        finally:
            process.communicate(b"\n")


def test_a_folder_is_claimed_once_and_given_back(tmp_path: Path) -> None:
    mine = this_run(tmp_path, "mine")
    claim(tmp_path / "new" / "results", mine)
    found = read_run(tmp_path / "new" / "results")
    assert found == mine
    assert found is not None
    assert found.alive is True
    claim(tmp_path / "new" / "results", mine)  # the same run may ask again
    release(tmp_path / "new" / "results", mine)
    ended = read_run(tmp_path / "new" / "results")
    assert ended is not None
    assert ended.alive is False
    assert replace(ended, ended="") == mine
    assert [path.name for path in (tmp_path / "new" / "results").iterdir()] == [RECORD]


def test_a_living_run_keeps_its_folder_and_is_named(tmp_path: Path) -> None:
    mine = this_run(tmp_path, "mine")
    with living_run(tmp_path) as process:
        before = (tmp_path / RECORD).read_bytes()
        with pytest.raises(
            FlexmoreError, match=rf"belongs to a run that is alive \(process {process.pid} on .*--cores 1"
        ):
            claim(tmp_path, mine)
        release(tmp_path, mine)
        assert (tmp_path / RECORD).read_bytes() == before
    claim(tmp_path, mine)  # now it is dead, and never said so
    assert read_run(tmp_path) == mine


def test_another_process_of_the_same_number_is_not_that_run(tmp_path: Path) -> None:
    mine = this_run(tmp_path, "mine")
    with living_run(tmp_path, created=1.0e9):
        claim(tmp_path, mine)
        assert read_run(tmp_path) == mine


def test_whether_a_run_on_another_host_lives_cannot_be_seen(tmp_path: Path) -> None:
    mine = this_run(tmp_path, "mine")
    with living_run(tmp_path, host="login7"):
        with pytest.raises(FlexmoreError, match=r"a run on another host.*on login7.*flexmore resume --dead"):
            claim(tmp_path, mine)
        forget(tmp_path)
        claim(tmp_path, mine)


def test_only_what_is_known_to_be_dead_is_forgotten(tmp_path: Path) -> None:
    with living_run(tmp_path):
        forget(tmp_path)
        with pytest.raises(FlexmoreError, match="alive"):
            claim(tmp_path, this_run(tmp_path, "mine"))
    forget(tmp_path / "nothing")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": "x"}'])
def test_a_record_that_was_cut_off_stops_nobody_for_ever(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "_PATIENCE", 0.05)
    (tmp_path / RECORD).write_text(content)
    claim(tmp_path, mine := this_run(tmp_path, "mine"))
    assert read_run(tmp_path) == mine


def test_of_many_that_start_at_once_one_gets_the_folder(tmp_path: Path) -> None:
    dead = replace(this_run(tmp_path, "dead"), pid=2**22 - 1, created=1.0)
    (tmp_path / RECORD).write_text(json.dumps(asdict(dead)))
    code = (
        "import sys; from pathlib import Path; from flexmore.cluster.owner import claim, this_run\n"
        "from flexmore.errors import FlexmoreError\n"
        "root = Path(sys.argv[1]); mine = this_run(root, 'x'); input()\n"
        "try:\n    claim(root, mine); print('mine', flush=True)\n"
        "except FlexmoreError:\n    print('refused', flush=True)\n"
        "input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": os.environ}
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) for _ in range(5)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.stdout.readline().strip() for process in started if process.stdout is not None]
    for process in started:
        process.communicate("\n")
    assert sorted(said) == ["mine", *["refused"] * 4]


def test_an_ended_run_is_nobodys(tmp_path: Path) -> None:
    refuse_owned(tmp_path, Run("elsewhere", 1, 0.0, "", "", "", "", "2026-01-01"))
