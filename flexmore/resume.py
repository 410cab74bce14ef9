"""Going on after a kill: make sure that nothing is still running here, clear the stale lock, run what is incomplete."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from flexmore.errors import FlexmoreError

PROGRAMS = ("snakemake", "flexmore")


def running_here(folder: Path) -> list[psutil.Process]:
    """Processes of a study on this machine (snakemake, or a job of one) whose working directory is `folder`.

    This process and those that it was started from are left out.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.pid not in own
        and process.info["cwd"] == str(folder.resolve())
        and is_study(process.info["cmdline"] or [])
    ]


def is_study(command: Sequence[str]) -> bool:
    """Whether a command line is Snakemake's or ours: the program itself, or Python with it as script or module."""
    names = [Path(word).name for word in command]
    if names and names[0].startswith("python"):
        names = [name for name in names[1:] if not name.startswith("-")]
    return bool(names) and names[0] in PROGRAMS


def resume(arguments: Sequence[str]) -> int:
    """Go on with a study in the current folder (or Snakemake's `--directory`): this process becomes Snakemake.

    Args:
        arguments: Snakemake's own, as the run that was killed had them.

    Returns:
        Snakemake's exit status where it refuses to unlock, because of a wrong configuration say.

    Raises:
        FlexmoreError: a run, or a job that outlived one, is still alive here.
    """
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("--directory", "-d", type=Path, default=Path())
    if alive := running_here(options.parse_known_args(arguments)[0].directory):
        listed = "\n".join(f"  {process.pid}  {' '.join(process.info['cmdline'][:6])}" for process in alive)
        raise FlexmoreError(
            f"a run is still alive in this folder:\n{listed}\n"
            "wait for it, or stop it (kill PID), and call `flexmore resume` again; nothing was changed"
        )
    snakemake = [sys.executable, "-m", "snakemake", *arguments]
    unlocked = subprocess.run([*snakemake, "--unlock"], check=False)
    if unlocked.returncode:  # a wrong configuration or option; Snakemake has said which
        return unlocked.returncode
    os.execv(sys.executable, [*snakemake, "--rerun-incomplete"])  # so that signals reach Snakemake itself
