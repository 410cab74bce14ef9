"""Resuming a killed study: check that nothing runs in its folder, clear the stale lock, start Snakemake again."""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from flexmore.cluster.owner import forget
from flexmore.cluster.processes import find_processes
from flexmore.cluster.slurm import ClusterJob, cancel_jobs, find_jobs, find_runs, find_unrecorded
from flexmore.config.loading import dump_study, load_study, read_config
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError

CANCEL, DEAD = "--cancel-jobs", "--dead"
OUTPUTS = (
    "experts/*/source.json factors/*/index.json calibration/passed.json scores/* tables/scores.csv tables/averages.csv "
    "explore.html"
).split()
"""One output of each step that is a job on a cluster, as patterns below the study's folder of results."""


def resume(arguments: Sequence[str]) -> int:
    """Resume a study in the current folder, or in Snakemake's `--directory`; this process becomes Snakemake.

    Jobs that a killed run has left in a cluster's queue are waited for, or cancelled, first; what they finish counts.

    Args:
        arguments: those of the killed run, for Snakemake; with `--cancel-jobs` to cancel its jobs, and with `--dead`
            where it ran on another host and is known to be dead.

    Returns:
        Snakemake's exit status where it does not unlock the folder, such as for a wrong configuration.

    Raises:
        ConfigError: a configuration file cannot be read.
        FlexmoreError: a run, or a job of one, is still alive here; SLURM does not answer.
    """
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--directory", "-d", type=Path, default=Path())
    options.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    known = options.parse_known_args(arguments)[0]
    folder = known.directory
    for path in known.configfile:  # so that one that cannot be read is one message
        if path.is_file():
            read_config(path)
    given = [word for word in arguments if word not in (CANCEL, DEAD)]
    _refuse_another_host(folder, DEAD in arguments)
    jobs = find_jobs(folder)
    _refuse_living(find_processes(folder, jobs))
    wait_for_jobs(folder, jobs, cancel=CANCEL in arguments)
    snakemake = [sys.executable, "-m", "snakemake"]
    unlocked = subprocess.run([*snakemake, "--unlock", *given], check=False)
    if unlocked.returncode:  # a wrong configuration or option; Snakemake has printed which
        return unlocked.returncode
    record_finished(folder, given)
    if DEAD in arguments and (study := _configured(given)):
        forget(folder / study.paths.root)
    os.execv(sys.executable, [*snakemake, "--rerun-incomplete", *given])  # so that signals reach Snakemake itself


def _refuse_another_host(folder: Path, dead: bool) -> None:
    """Check that the last run on a cluster was started on this host, or is known to be dead.

    Raises:
        FlexmoreError: it was started on another host, where it may be alive.
    """
    here = platform.node()
    if (host := next(reversed(find_runs(folder).values()), here)) != here and not dead:
        raise FlexmoreError(
            f"the last run in this folder was started on {host}; whether it lives cannot be seen from {here}: call "
            f"`flexmore resume` there, or, where you know that it is dead, with {DEAD}; nothing was changed"
        )


def _refuse_living(alive: Sequence[psutil.Process]) -> None:
    """Check that no run is alive.

    Raises:
        FlexmoreError: one is.
    """
    if alive:
        listed = "\n".join(f"  {process.pid}  {' '.join(process.info['cmdline'][:6])}" for process in alive)
        raise FlexmoreError(
            f"a run is still alive in this folder:\n{listed}\n"
            "wait for it, or stop it (kill PID), and call `flexmore resume` again; nothing was changed"
        )


def wait_for_jobs(folder: Path, jobs: Sequence[ClusterJob], *, cancel: bool = False, every: float = 15) -> None:
    """Wait until none of a folder's jobs is left in the cluster's queue.

    Args:
        jobs: those that are in the queue now.
        cancel: whether to cancel them first.
        every: seconds between two looks at the queue.
    """
    if jobs and cancel:
        print(f"cancelling {len(jobs)} jobs of the last run: {_listed(jobs)}", flush=True)
        cancel_jobs(jobs)
    printed = None
    while jobs:
        if (now := _listed(jobs)) != printed:
            print(f"waiting for {len(jobs)} jobs of the last run ({CANCEL} cancels them): {now}", flush=True)
            printed = now
        time.sleep(every)
        jobs = find_jobs(folder)


def record_finished(folder: Path, arguments: Sequence[str]) -> None:
    """Let Snakemake record how outputs were made that jobs of a cluster finished after it was killed.

    Nothing is recorded where the configuration is no longer the one they were made with.

    Args:
        arguments: Snakemake's own.
    """
    if not find_runs(folder):
        return
    from snakemake.cli import parse_args

    parsed = parse_args(list(arguments))[1]
    study = _study_of(parsed)
    if study is None:
        return
    root, resolved = study.paths.root, folder / study.paths.root / "config.yaml"
    if not resolved.is_file() or resolved.read_text(encoding="utf-8") != dump_study(study):
        return
    if outputs := find_unrecorded(folder, _made_outputs(folder, root)):
        print(f"finished after the last run had ended: {', '.join(outputs)}", flush=True)
        options = [word for word in arguments if word not in {"--", *parsed.targets}]
        touch = ["--touch", "--force", "--no-hooks", "--rerun-triggers", "mtime", "--quiet", "all", "--"]
        subprocess.run([sys.executable, "-m", "snakemake", *options, *touch, *outputs], check=False)


def _made_outputs(folder: Path, root: Path) -> list[str]:
    """Return those outputs of jobs that are there, as the rules name them.

    Args:
        folder: Snakemake's working directory.
        root: the study's folder of results, as its configuration names it.
    """
    found = [path for pattern in OUTPUTS for path in (folder / root).glob(pattern)]
    return sorted(str(root / path.relative_to(folder / root)) for path in found)


def _configured(arguments: Sequence[str]) -> Study | None:
    """Return the study that Snakemake's own arguments configure (`_study_of`)."""
    from snakemake.cli import parse_args

    return _study_of(parse_args(list(arguments))[1])


def _study_of(parsed: argparse.Namespace) -> Study | None:
    """Return the study that Snakemake's arguments, its profile's included, configure; None with several files."""
    from snakemake.cli import parse_config
    from snakemake.utils import update_config

    files = parsed.configfile or [Path("config.yaml")]
    if len(files) > 1:
        return None
    content: dict[str, Any] = read_config(files[0])
    changes: Mapping[str, Any] = parse_config(parsed.config) if parsed.config else {}
    update_config(content, changes)
    return load_study(content)


def _listed(jobs: Sequence[ClusterJob]) -> str:
    return ", ".join(f"{job.number} {job.step} {job.state}" for job in jobs)
