"""What runs of a folder have left in a SLURM cluster's queue: jobs that outlive the Snakemake that submitted them.

Snakemake's SLURM executor names all jobs of a run after its id and writes that id into the run's log, which is how they
are found again. With each output of an unfinished job Snakemake keeps the id of the SLURM job that makes it.
"""

import json
import re
import shutil
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flexmore.errors import FlexmoreError

_RUN = re.compile(r"SLURM run ID: (\S+)")


@dataclass(frozen=True)
class ClusterJob:
    """A job in SLURM's queue.

    Attributes:
        state: SLURM's word, such as RUNNING.
        step: rule and wildcards, as Snakemake's comment has them.
    """

    number: str
    state: str
    step: str


def runs(folder: Path) -> list[str]:
    """The ids of all runs on a cluster that were started in `folder`."""
    logs = sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"))
    return [run for log in logs for run in _RUN.findall(log.read_text(encoding="utf-8", errors="replace"))]


def living(folder: Path) -> list[ClusterJob]:
    """The jobs of `folder` that wait or run; none where this machine knows no SLURM.

    Raises:
        FlexmoreError: there were runs on a cluster, and SLURM does not say what has become of them.
    """
    if not (names := runs(folder)) or shutil.which("squeue") is None:
        return []
    lines = _ask("squeue", "--noheader", f"--name={','.join(names)}", "--format=%i|%T|%k")
    return [ClusterJob(*line.split("|", 2)) for line in lines]


def cancel(jobs: Sequence[ClusterJob]) -> None:
    """Cancel jobs: each gets SIGTERM and the time to finish what it is writing."""
    _ask("scancel", *(job.number for job in jobs))


def finished_outputs(folder: Path) -> list[str]:
    """Outputs that Snakemake believes unfinished, since it was killed, and whose job SLURM says was COMPLETED."""
    if not (names := runs(folder)) or shutil.which("squeue") is None:
        return []
    marks = folder / ".snakemake" / "incomplete"
    makers = {_output(path.relative_to(marks)): _maker(path) for path in marks.rglob("*") if path.is_file()}
    done = _completed(names)
    return sorted(output for output, number in makers.items() if number in done and (folder / output).exists())


def _completed(names: Sequence[str]) -> set[str]:
    """Ids of the jobs that ended well: from the accounting, or from what the controller still remembers."""
    try:
        lines = _ask(
            "sacct", "-X", "-P", "-n", "--starttime=now-30days", f"--name={','.join(names)}", "--format=JobIDRaw,State"
        )
    except FlexmoreError:  # no accounting here
        lines = _ask("squeue", "--noheader", "--states=all", f"--name={','.join(names)}", "--format=%i|%T")
    return {number for number, state in (line.split("|") for line in lines) if state == "COMPLETED"}


def _output(mark: Path) -> str:
    """The output that a mark of Snakemake stands for: its name in base64, in pieces where it is long."""
    return urlsafe_b64decode("".join(part.removeprefix("@") for part in mark.parts)).decode()


def _maker(mark: Path) -> str | None:
    """The id of the SLURM job that a mark names."""
    found: str | None = json.loads(mark.read_text(encoding="utf-8")).get("external_jobid")
    return found


def _ask(*command: str) -> list[str]:
    """The lines that a SLURM command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FlexmoreError(
            f"{command[0]}: {done.stderr.strip()}; without an answer from SLURM nobody knows which jobs of this folder "
            "are still alive; try again once it answers"
        )
    return [line for line in done.stdout.splitlines() if line]
