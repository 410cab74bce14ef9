"""Resume a study that was killed."""

from collections.abc import Sequence

from flexmore.cluster.resume import resume as resume_run


def resume(arguments: Sequence[str]) -> int:
    """Resume a study that was killed, with Snakemake's own arguments; return an exit status where it cannot start."""
    return resume_run(arguments)
