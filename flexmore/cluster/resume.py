"""Going on after a kill: make sure that nothing is still running here, clear the stale lock, run what is incomplete."""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from flexmore.cluster.slurm import ClusterJob, cancel, living, runs, unrecorded
from flexmore.config.loading import dump_study, load_study
from flexmore.errors import FlexmoreError

PROGRAMS = ("snakemake", "flexmore")
CANCEL, DEAD = "--cancel-jobs", "--dead"
OUTPUTS = (
    "experts/*/source.json factors/*/index.json calibration/passed.json scores/* tables/scores.csv tables/averages.csv "
    "explore.html"
).split()
"""Of each step that is a job on a cluster, one."""


def running_here(folder: Path, jobs: Sequence[ClusterJob] = ()) -> list[psutil.Process]:
    """Processes of a study on this machine (snakemake, or a job of one) whose working directory is `folder`.

    This process and those that it was started from are left out, and those of `jobs`: this may be a cluster's node.
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
    """Whether a command line is Snakemake's or ours: the program itself, or Python with it as script or module."""
    names = [Path(word).name for word in command]
    if names and names[0].startswith("python"):
        names = [name for name in names[1:] if not name.startswith("-")]
    return bool(names) and names[0] in PROGRAMS


def resume(arguments: Sequence[str]) -> int:
    """Go on with a study in the current folder (or Snakemake's `--directory`): this process becomes Snakemake.

    Jobs that a killed run has left on a cluster are waited for, or cancelled, first; what they finished counts.

    Args:
        arguments: Snakemake's own, as the run that was killed had them; among them `--cancel-jobs`, and `--dead` where
            that run was on another host and is known to be dead.

    Returns:
        Snakemake's exit status where it refuses to unlock, because of a wrong configuration say.

    Raises:
        FlexmoreError: a run, or a job that outlived one, is still alive here; SLURM does not answer.
    """
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--directory", "-d", type=Path, default=Path())
    folder = options.parse_known_args(arguments)[0].directory
    given = [word for word in arguments if word not in (CANCEL, DEAD)]
    _refuse_elsewhere(folder, DEAD in arguments)
    jobs = living(folder)
    _refuse_beside(running_here(folder, jobs))
    settle(folder, jobs, cancelling=CANCEL in arguments)
    snakemake = [sys.executable, "-m", "snakemake"]
    unlocked = subprocess.run([*snakemake, "--unlock", *given], check=False)
    if unlocked.returncode:  # a wrong configuration or option; Snakemake has said which
        return unlocked.returncode
    acknowledge(folder, given)
    os.execv(sys.executable, [*snakemake, "--rerun-incomplete", *given])  # so that signals reach Snakemake itself


def _refuse_elsewhere(folder: Path, dead: bool) -> None:
    """Raise a FlexmoreError where the last run on a cluster was started on another host and may be alive there."""
    here = platform.node()
    if (host := next(reversed(runs(folder).values()), here)) != here and not dead:
        raise FlexmoreError(
            f"the last run in this folder was started on {host}; whether it lives cannot be seen from {here}: call "
            f"`flexmore resume` there, or, where you know that it is dead, with {DEAD}; nothing was changed"
        )


def _refuse_beside(alive: Sequence[psutil.Process]) -> None:
    """Raise a FlexmoreError where a run is alive."""
    if alive:
        listed = "\n".join(f"  {process.pid}  {' '.join(process.info['cmdline'][:6])}" for process in alive)
        raise FlexmoreError(
            f"a run is still alive in this folder:\n{listed}\n"
            "wait for it, or stop it (kill PID), and call `flexmore resume` again; nothing was changed"
        )


def settle(folder: Path, jobs: Sequence[ClusterJob], *, cancelling: bool = False, every: float = 15) -> None:
    """Wait until none of the jobs of `folder` is left in the cluster's queue.

    Args:
        jobs: those that are in it now.
        cancelling: whether to cancel them first.
        every: seconds between two looks at the queue.
    """
    if jobs and cancelling:
        print(f"cancelling {len(jobs)} jobs of the last run: {_listed(jobs)}", flush=True)
        cancel(jobs)
    said = None
    while jobs:
        if (now := _listed(jobs)) != said:
            print(f"waiting for {len(jobs)} jobs of the last run ({CANCEL} cancels them): {now}", flush=True)
            said = now
        time.sleep(every)
        jobs = living(folder)


def acknowledge(folder: Path, arguments: Sequence[str]) -> None:
    """Let Snakemake record how outputs were made that were finished on a cluster after it was killed.

    Where the configuration is no longer what they were made with, nothing is recorded.
    """
    if not runs(folder):
        return
    from snakemake.cli import parse_args

    parsed = parse_args(list(arguments))[1]
    config = parsed.configfile or [Path("config.yaml")]
    if parsed.config or len(config) > 1:
        return
    study = load_study(config[0])
    root, resolved = study.paths.root, folder / study.paths.root / "config.yaml"
    if not resolved.is_file() or resolved.read_text(encoding="utf-8") != dump_study(study):
        return
    made = [
        str(root / path.relative_to(folder / root)) for pattern in OUTPUTS for path in (folder / root).glob(pattern)
    ]
    if outputs := unrecorded(folder, sorted(made)):
        print(f"finished after the last run had ended: {', '.join(outputs)}", flush=True)
        options = [word for word in arguments if word not in {"--", *parsed.targets}]
        touch = ["--touch", "--force", "--no-hooks", "--rerun-triggers", "mtime", "--quiet", "all", "--"]
        subprocess.run([sys.executable, "-m", "snakemake", *options, *touch, *outputs], check=False)


def _listed(jobs: Sequence[ClusterJob]) -> str:
    return ", ".join(f"{job.number} {job.step} {job.state}" for job in jobs)
