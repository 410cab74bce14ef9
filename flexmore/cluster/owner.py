"""The run that a results folder belongs to: one at a time, whichever folder or host it was started from.

`run.json` in the folder says which run it is, or which was the last. A run that was killed cannot say that it ended:
where its process is no longer there, the next run takes its place.
"""

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psutil

from flexmore.errors import FlexmoreError
from flexmore.files import remove, write_json

RECORD = "run.json"
_DRIFT = 5.0
"""Seconds by which two readings of the time at which a process was created may differ."""
_PATIENCE = 2.0
"""Seconds after which a record that is not whole counts as that of a run that was killed while writing it."""


@dataclass(frozen=True)
class Run:
    """Hold one run of Snakemake.

    Attributes:
        created: when its process was created, in seconds since 1970; a process of the same number is another one.
        folder: its working folder.
        configuration: digest of the configuration that its jobs were planned with.
        ended: when; empty while it runs, and for ever where it was killed.
    """

    host: str
    pid: int
    created: float
    started: str
    command: str
    folder: str
    configuration: str
    ended: str = ""

    @property
    def alive(self) -> bool | None:
        """Tell whether it runs; None where that cannot be seen, since it was started on another host."""
        if self.ended:
            return False
        if self.host != platform.node():
            return None
        try:
            return abs(psutil.Process(self.pid).create_time() - self.created) < _DRIFT
        except psutil.NoSuchProcess:
            return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, started {self.started} in {self.folder}: {self.command}"


def this_run(folder: Path, configuration: str) -> Run:
    """Return the run that this process is.

    Args:
        folder: its working folder.
        configuration: digest of its configuration.
    """
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    created = psutil.Process().create_time()
    return Run(platform.node(), os.getpid(), created, _now(), command, str(folder.resolve()), configuration)


def read_run(root: Path) -> Run | None:
    """Return the run that a results folder belongs to, or belonged to last; None where none is recorded."""
    path, deadline = root / RECORD, time.monotonic() + _PATIENCE
    while True:
        try:
            content: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
            return Run(**content)  # type: ignore[arg-type]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError):  # being written, or left so by a run that was killed
            if time.monotonic() > deadline:
                return Run("", 0, 0.0, "", "", "", "", "unknown")
            time.sleep(0.1)


def refuse_owned(root: Path, found: Run) -> None:
    """Check that the run that a results folder belongs to has ended.

    Raises:
        FlexmoreError: it is alive, or was started on another host and may be.
    """
    if found.alive is None:
        raise FlexmoreError(
            f"{root} belongs to a run on another host, which may be alive ({found}): wait for it, or, where you know "
            "that it is dead, call `flexmore resume --dead`; nothing was changed"
        )
    if found.alive:
        raise FlexmoreError(
            f"{root} belongs to a run that is alive ({found}): wait for it, or give this one other `results:`; "
            "nothing was changed"
        )


def claim(root: Path, mine: Run) -> None:
    """Make a results folder this run's.

    Raises:
        FlexmoreError: it is another's (`refuse_owned`).
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / RECORD
    while True:
        with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(asdict(mine), indent=1) + "\n")
            return
        found = read_run(root)
        if found is None:
            continue
        if (found.host, found.pid, found.created) != (mine.host, mine.pid, mine.created):
            refuse_owned(root, found)
        _put_aside(path, found)


def release(root: Path, mine: Run) -> None:
    """Write down that this run has ended; nothing where the folder is no longer its own, or no longer there."""
    if os.getpid() == mine.pid and read_run(root) == mine:
        write_json(root / RECORD, asdict(replace(mine, ended=_now())))


def forget(root: Path) -> None:
    """Write down that the run that a results folder belongs to is dead, as somebody knows who can see its host."""
    if (found := read_run(root)) is not None and found.alive is None:
        write_json(root / RECORD, asdict(replace(found, ended=_now())))


def _put_aside(path: Path, ended: Run) -> None:
    """Remove the record of a run that has ended, unless another run has taken its place meanwhile."""
    aside = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        path.rename(aside)
    except FileNotFoundError:  # another run was faster
        return
    with suppress(ValueError, TypeError):
        if Run(**json.loads(aside.read_text(encoding="utf-8"))) != ended:
            with suppress(FileExistsError):
                os.link(aside, path)
    remove(aside, inside=path.parent)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
