"""What computed a score, without being part of its key: versions of packages, commit, device, container image."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

COMMIT = "FLEXMORE_COMMIT"
"""Environment variable of jobs: the commit of the code that planned them."""
UNKNOWN = "unknown"
"""Stands for a commit that cannot be told."""


def provenance(dtype: str, device: str, batch_tokens: int) -> dict[str, str]:
    """Return what computes a score, without being part of its key.

    These are versions, commit, dtype, device, batch size and container image.
    """
    packages = ("flexmore", "torch", "transformers", "lm_eval", "tokenizers", "datasets")
    return {
        "python": platform.python_version(),
        **{name: installed_version(name) for name in packages},
        "commit": code_commit(),
        "dtype": dtype,
        "device": device,
        "batch_tokens": str(batch_tokens),
        **({"image": image} if (image := os.environ.get("FLEXMORE_IMAGE")) else {}),
    }


def merge_versions(versions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the versions of several results as one; if they differ, as all values, sorted."""
    values: dict[str, set[str]] = {}
    for some in versions:
        for name, value in some.items():
            values.setdefault(name, set()).add(value)
    return {name: ", ".join(sorted(found)) for name, found in values.items()}


def installed_version(package: str) -> str:
    """Return a package's version, or that it is not installed."""
    try:
        return version(package)
    except ModuleNotFoundError:
        return "not installed"


def code_commit() -> str:
    """Return the commit that this code is of, with `+` where it differs from it; `unknown` where it cannot be told.

    A node or an image may have no git, or only the package: then it is what the run that sent the job there had found.
    """
    return commit_of(Path(__file__).parents[2]) or os.environ.get(COMMIT, UNKNOWN)


def commit_of(folder: Path) -> str | None:
    """Return the commit of a folder of a git checkout, with `+` where files in it were changed or added since.

    None where there is no git, and where the folder is no part of the checkout, such as one of installed packages.
    """
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit, changed = _git(folder, "rev-parse", "--short=12", "HEAD"), _git(folder, "status", "--porcelain", "--", ".")
    return None if not commit or changed is None else commit + ("+" if changed else "")


def _git(folder: Path, *words: str) -> str | None:
    """Return what git prints of a folder, whoever owns it; None where it fails."""
    try:
        found = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", *words],
            cwd=folder, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
