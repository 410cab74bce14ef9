"""Processes of a study that run on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from flexmore.cluster.slurm import ClusterJob

PROGRAMS = ("snakemake", "flexmore")


def find_processes(folder: Path, jobs: Sequence[ClusterJob] = ()) -> list[psutil.Process]:
    """Return the processes on this machine that run a study in a folder: Snakemake, or one of its jobs.

    This process and those that started it are left out.

    Args:
        folder: the processes' working directory.
        jobs: jobs of a cluster, whose processes are left out too; this machine may be one of its nodes.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    numbers = {job.number for job in jobs}
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd", "environ"])
        if process.pid not in own
        and process.info["cwd"] == str(folder.resolve())
        and is_study(process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("SLURM_JOB_ID") not in numbers
    ]


def is_study(command: Sequence[str]) -> bool:
    """Tell whether a command line runs Snakemake or flexmore, by itself or as a script or module of Python."""
    names = [Path(word).name for word in command]
    if names and names[0].startswith("python"):
        names = [name for name in names[1:] if not name.startswith("-")]
    return bool(names) and names[0] in PROGRAMS
