"""A finished study that has some of its evaluation before it again, slowly."""

from textwrap import dedent, indent

from tests.workflow.place import Place

PUT = '        record: dict[str, Any] = {"key"'


def unevaluated(place: Place, *sweeps: str) -> None:
    """Forget what has been computed of some sweeps, and of what follows from them."""
    for sweep in sweeps:
        for path in (place.results / "scores" / sweep).glob("*"):
            path.unlink()
        (place.results / "scores" / sweep / ".snakemake_timestamp").unlink()
        (place.results / "scores" / sweep).rmdir()
    for path in place.results.glob("cache/scores/*/*.json"):
        path.unlink()


def before_writing(place: Place, code: str) -> None:
    """Let a sweep run some code before each of its results goes to the cache."""
    cache = place.folder / "flexmore" / "evaluation" / "cache.py"
    assert PUT in cache.read_text()
    cache.write_text(cache.read_text().replace(PUT, indent(dedent(code).strip() + "\n", " " * 8) + PUT))


def computed(place: Place) -> int:
    """How many results are in the cache."""
    return len(list(place.results.glob("cache/scores/*/*.json")))


def scores(place: Place, sweep: str) -> dict[str, bytes]:
    """What a sweep has published."""
    return {path.name: path.read_bytes() for path in (place.results / "scores" / sweep).glob("*.json")}
