"""What could not be evaluated in a run, kept until the next one, so that a study ends with one list of it."""

from collections.abc import Sequence

from flexmore.config.paths import StudyPaths
from flexmore.evaluation.outcome import listed
from flexmore.evaluation.parts import SweepPart
from flexmore.files import fingerprint, read_json, remove, write_json


def keep_failures(paths: StudyPaths, sweep: str, part: SweepPart | None, failures: Sequence[str]) -> None:
    """Keep which evaluations of a sweep, or of a part of it, failed, in the place of what was kept of it before.

    Args:
        failures: a line each; none where everything was evaluated.
    """
    options = (part or SweepPart()).options
    path = paths.failures / f"{sweep}-{fingerprint(options)[:8]}.json"
    if failures:
        write_json(path, {"sweep": sweep, "part": options, "failures": list(failures)})
    else:
        remove(path, inside=paths.failures)


def tell_failures(paths: StudyPaths) -> str:
    """Return the list that ends a study in which evaluations failed; empty where none did."""
    found = [line for path in sorted(paths.failures.glob("*.json")) for line in read_json(path)["failures"]]
    failures = list(dict.fromkeys(found))
    if not failures:
        return ""
    return "\n".join(
        [
            f"{len(failures)} evaluations failed; what else was evaluated is in the cache, and no table was written:",
            *listed(failures),
            "correct what the lines name and run the same command: only these are repeated",
            f"tables of what there is, under names that say so: flexmore figures --partial --config {paths.config}",
        ]
    )
