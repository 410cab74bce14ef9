"""A finished study that has some of its evaluation before it again, slowly."""

import json
import shutil
from base64 import urlsafe_b64encode
from textwrap import dedent, indent

from place import Place
from slurm_cluster import SCORES

PUT = '        record: dict[str, Any] = {"key"'


def unevaluated(place: Place, *sweeps: str) -> None:
    """Forget what has been computed of some sweeps, and that Snakemake knew of it."""
    for sweep in sweeps:
        shutil.rmtree(place.results / "scores" / sweep)
        name = urlsafe_b64encode(f"{SCORES}/{sweep}".encode()).decode()
        (place.folder / ".snakemake" / "metadata" / name).unlink()
    shutil.rmtree(place.results / "cache" / "scores")


def before_writing(place: Place, code: str) -> None:
    """Let a sweep run some code before each of its results goes to the cache."""
    cache = place.folder / "flexmore" / "evaluation" / "results" / "cache.py"
    assert PUT in cache.read_text()
    cache.write_text(cache.read_text().replace(PUT, indent(dedent(code).strip() + "\n", " " * 8) + PUT))


def computed(place: Place, mixture: str) -> int:
    """How many results of a mixture are in the cache."""
    return len(list((place.results / "cache" / "scores" / fingerprint(place, mixture)).glob("*.json")))


def fingerprint(place: Place, mixture: str) -> str:
    """What names a mixture's folder in the cache."""
    found: str = json.loads((place.results / "mixtures" / f"{mixture}.json").read_text())["fingerprint"]
    return found


def scores(place: Place, sweep: str) -> dict[str, bytes]:
    """What a sweep has published."""
    return {path.name: path.read_bytes() for path in (place.results / "scores" / sweep).glob("*.json")}
