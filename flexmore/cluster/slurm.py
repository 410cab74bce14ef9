"""What runs of a folder have left in a SLURM cluster's queue: jobs that outlive the Snakemake that submitted them.

Snakemake's SLURM executor names all jobs of a run after its id and writes that id into the run's log, which is how they
are found again.
"""

import re
import shutil
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexmore.errors import FlexmoreError

_PIECE = 254
_RUN = re.compile(r"SLURM run ID: (\S+)")
_HOST = re.compile(r"^  Host: (\S+)$", flags=re.MULTILINE)


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


def runs(folder: Path) -> dict[str, str]:
    """The ids of all runs on a cluster that were started in `folder`, the oldest first, and on which host each was."""
    found = {}
    for path in sorted((folder / ".snakemake" / "log").glob("*.snakemake.log")):
        log = path.read_text(encoding="utf-8", errors="replace")
        if (run := _RUN.search(log)) and (host := _HOST.search(log)):
            found[run[1]] = host[1]
    return found


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


def unrecorded(folder: Path, outputs: Iterable[str]) -> list[str]:
    """Those of `outputs` that jobs have finished after their Snakemake was killed.

    Such a job itself has taken away the mark of being unfinished, but how the output was made, its parameters among it,
    only the killed Snakemake could have recorded; without that no change of the configuration would make it again.
    """
    kept = folder / ".snakemake"
    known = (kept / "metadata", kept / "incomplete")
    return [output for output in outputs if not any(_record(place, output).exists() for place in known)]


def _record(place: Path, output: str) -> Path:
    """Where Snakemake keeps what it knows of an output: its name in base64, in pieces where it is long."""
    name = urlsafe_b64encode(output.encode()).decode()
    pieces = [name[start : start + _PIECE] for start in range(0, len(name), _PIECE)]
    return place.joinpath(*[f"@{piece}" for piece in pieces[:-1]], pieces[-1])


def _ask(*command: str) -> list[str]:
    """The lines that a SLURM command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FlexmoreError(
            f"{command[0]}: {done.stderr.strip()}; without an answer from SLURM nobody knows which jobs of this folder "
            "are still alive; try again once it answers"
        )
    return [line for line in done.stdout.splitlines() if line]
