"""A SLURM of the tests' own on this machine (slurm_up.sh), and the study run on it by profiles/slurm."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock

SCRIPT = Path(__file__).parents[1] / "slurm" / "slurm_up.sh"
STUDY = ("--workflow-profile", "profiles/slurm", "--configfile", "smoke.yaml")
SOON = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10")
SCORES = "results/smoke/scores"
LOCK = Path("/tmp/slurm-of-the-tests.lock")
"""Held while a SLURM is up: it has fixed ports, so that there is one at a time on a machine."""
NO_ACCOUNTING = ("--slurm-status-command", "squeue")
RECORD = re.compile(r"(\S+?)=(\S*)")
COMMENT = re.compile(r"^rule_(.+?)(?:_wildcards_(.*))?$")


class Cluster:
    """A running SLURM."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def script(self, *words: str) -> None:
        """Call slurm_up.sh."""
        done = subprocess.run(
            [SCRIPT, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert done.returncode == 0, done.stdout

    def ask(self, *command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def jobs(self, folder: Path, step: str = "") -> list[dict[str, str]]:
        """What slurmctld remembers of the jobs of a folder whose rule and wildcard begin with `step`, oldest first."""
        blocks = self.ask("scontrol", "show", "job").split("\n\n")
        records = [dict(RECORD.findall(block)) for block in blocks if "JobId=" in block]
        mine = [r | {"step": _step(r["Comment"])} for r in records if r["WorkDir"] == str(folder)]
        return sorted((r for r in mine if r["step"].startswith(step)), key=lambda r: int(r["JobId"]))


def _step(comment: str) -> str:
    """Rule and wildcards, from the comment that Snakemake gives a job."""
    found = COMMENT.match(comment)
    return " ".join(part for part in found.groups() if part) if found else ""


@contextmanager
def cluster(*words: str, **settings: str) -> Iterator[Cluster]:
    """Bring up a SLURM and take it down again. Its files lie where everybody may look, since munge asks for that.

    Args:
        words: of `slurm_up.sh up`.
        settings: SLURM_TEST_... of the script, in lower case.
    """
    if os.geteuid() != 0:
        pytest.skip("SLURM wants root")
    if shutil.which("slurmctld") is None or shutil.which("munged") is None:
        pytest.skip(f"no SLURM here: {SCRIPT} install")
    given = {f"SLURM_TEST_{name.upper()}": value for name, value in settings.items()}
    with FileLock(LOCK), TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        found = Cluster(os.environ | {"SLURM_TEST_ROOT": folder} | given)
        try:
            found.script("up", *words)
            yield found
        finally:
            found.script("down")
