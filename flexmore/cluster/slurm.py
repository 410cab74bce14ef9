"""Jobs in a SLURM cluster's queue that outlive the Snakemake that submitted them.

Snakemake's SLURM executor names all jobs of a run after the run's id and writes that id into the run's log. So they are
found again.
"""

import re
import shutil
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexmore.errors import FlexmoreError

_PIECE = 254  # characters; Snakemake cuts longer names
_RUN = re.compile(r"SLURM run ID: (\S+)")
_HOST = re.compile(r"^  Host: (\S+)$", flags=re.MULTILINE)


@dataclass(frozen=True)
class ClusterJob:
    """Hold a job in SLURM's queue.

    Attributes:
        state: as SLURM names it, such as RUNNING.
        step: rule and wildcards, from Snakemake's comment.
    """

    number: str
    state: str
    step: str


def find_runs(folder: Path) -> dict[str, str]:
    """Return the ids of all runs on a cluster that were started in a folder, each with its host, the oldest first."""
    found = {}
    for path in sorted((folder / ".snakemake" / "log").glob("*.snakemake.log")):
        log = path.read_text(encoding="utf-8", errors="replace")
        if (run := _RUN.search(log)) and (host := _HOST.search(log)):
            found[run[1]] = host[1]
    return found


def find_jobs(folder: Path) -> list[ClusterJob]:
    """Return the jobs of a folder's runs that wait or run; none where this machine has no SLURM.

    Raises:
        FlexmoreError: there were runs on a cluster, and SLURM does not answer.
    """
    if not (names := find_runs(folder)) or shutil.which("squeue") is None:
        return []
    lines = _ask("squeue", "--noheader", f"--name={','.join(names)}", "--format=%i|%T|%k")
    return [ClusterJob(*line.split("|", 2)) for line in lines]


def cancel_jobs(jobs: Sequence[ClusterJob]) -> None:
    """Cancel jobs; each gets SIGTERM and time to finish what it is writing."""
    _ask("scancel", *(job.number for job in jobs))


def find_unrecorded(folder: Path, outputs: Iterable[str]) -> list[str]:
    """Return those outputs that jobs finished after their Snakemake was killed.

    Such a job removed Snakemake's mark of an incomplete output by itself. How the output was made, parameters included,
    the killed Snakemake alone could have recorded; without that record no change of the configuration makes it again.
    """
    kept = folder / ".snakemake"
    known = (kept / "metadata", kept / "incomplete")
    return [output for output in outputs if not any(_record(records, output).exists() for records in known)]


def _record(records: Path, output: str) -> Path:
    """Return the file of Snakemake's record of an output: its name in base64, cut into folders where it is long."""
    name = urlsafe_b64encode(output.encode()).decode()
    pieces = [name[start : start + _PIECE] for start in range(0, len(name), _PIECE)]
    return records.joinpath(*[f"@{piece}" for piece in pieces[:-1]], pieces[-1])


def _ask(*command: str) -> list[str]:
    """Return the lines that a SLURM command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FlexmoreError(
            f"{command[0]}: {done.stderr.strip()}; without an answer from SLURM it is unknown which jobs of this "
            "folder are still alive; try again once it answers"
        )
    return [line for line in done.stdout.splitlines() if line]
