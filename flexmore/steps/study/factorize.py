"""Factorize one expert's deltas: factors and spectrum into `factors/<expert>/`."""

from flexmore.config.study import Study
from flexmore.steps.process import use_torch


def factorize(study: Study, expert: str, *, threads: int = 1) -> None:
    """Factorize the deltas of one expert that has been acquired."""
    use_torch(threads)
    from flexmore.checkpoints.family import read_source
    from flexmore.checkpoints.reader import Checkpoint
    from flexmore.factors.factorize import factorize_expert

    paths = study.paths
    checkpoint, source = Checkpoint(paths.expert(expert)), read_source(paths, expert)["fingerprint"]
    factorize_expert(checkpoint, source, paths.factors(expert), study.factors, expert)
