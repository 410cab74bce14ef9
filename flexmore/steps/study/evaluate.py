"""Evaluate the mixtures of one sweep on the suite, into `scores/<sweep>/`."""

from pathlib import Path

from flexmore.config.study import Study
from flexmore.errors import EvaluationFailed
from flexmore.evaluation.parts import SweepPart
from flexmore.mixtures.grid import Sweep
from flexmore.steps.evaluation_job import EvaluationJob
from flexmore.steps.failures import keep_failures
from flexmore.steps.process import go_offline, use_torch


def evaluate(
    study: Study, sweep: Sweep, part: SweepPart | None = None, *, stage: Path | None = None, threads: int = 1
) -> str:
    """Evaluate a sweep's mixtures into `scores/<sweep>/`, or a part of them into the cache.

    What the cache has is not computed again.

    Args:
        stage: folder on this node's disk, to which weights are copied before they are loaded; None: read in place.

    Returns:
        A line that says how much was computed.

    Raises:
        EvaluationFailed: some tasks could not be evaluated; what is kept of it ends the study (`steps.failures`).
    """
    go_offline()
    use_torch(threads)
    paths = study.paths
    job = EvaluationJob(sweep, study.evaluate, paths.cache / "scores", paths.scores(sweep.name), part, stage)
    try:
        said = job.run(study)
    except EvaluationFailed as error:
        keep_failures(paths, sweep.name, part, error.failures)
        raise
    keep_failures(paths, sweep.name, part, ())
    return said
