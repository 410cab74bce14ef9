"""What computed a score, without being part of its key: versions of packages, commit, device, container image."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path


def provenance(dtype: str, device: str, batch_tokens: int) -> dict[str, str]:
    """Return what computes a score, without being part of its key.

    These are versions, commit, dtype, device, batch size and container image.
    """
    packages = ("flexmore", "torch", "transformers", "lm_eval", "tokenizers", "datasets")
    return {
        "python": platform.python_version(),
        **{name: installed_version(name) for name in packages},
        "commit": _commit(),
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


def _commit() -> str:
    """Return the commit of the checkout that this code runs from, with `+` if it was changed; else `unknown`."""
    here = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=here, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()
