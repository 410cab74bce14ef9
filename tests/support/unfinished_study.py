"""A finished study that has some of its evaluation before it again, slowly."""

import json
import shutil
from base64 import urlsafe_b64encode

from clones import Clone
from slurm_cluster import SCORES

WRITE = "flexmore.evaluation.results.cache:ScoreCache.put"
"""What writes a result of a sweep."""


def unevaluated(clone: Clone, *sweeps: str) -> None:
    """Forget what has been computed of some sweeps, and that Snakemake knew of it."""
    for sweep in sweeps:
        shutil.rmtree(clone.results / "scores" / sweep)
        name = urlsafe_b64encode(f"{SCORES}/{sweep}".encode()).decode()
        (clone.folder / ".snakemake" / "metadata" / name).unlink()
    shutil.rmtree(clone.results / "cache" / "scores")


def slow(clone: Clone) -> None:
    """Let sweeps take half a second more for every result."""
    clone.before(WRITE, "__import__('time').sleep(0.5)")


def computed(clone: Clone, mixture: str) -> int:
    """How many results of a mixture are in the cache."""
    return len(list((clone.results / "cache" / "scores" / fingerprint(clone, mixture)).glob("*.json")))


def fingerprint(clone: Clone, mixture: str) -> str:
    """What names a mixture's folder in the cache."""
    found: str = json.loads((clone.results / "mixtures" / f"{mixture}.json").read_text())["fingerprint"]
    return found


def scores(clone: Clone, sweep: str) -> dict[str, bytes]:
    """What a sweep has published."""
    return {path.name: path.read_bytes() for path in (clone.results / "scores" / sweep).glob("*.json")}
