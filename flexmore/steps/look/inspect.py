"""Show items of a task as a mixture answered them."""

from flexmore.config.study import Study
from flexmore.mixtures.grid import find_mixture, sweeps
from flexmore.steps.process import go_offline, use_torch
from flexmore.suites.study_suite import open_suite


def inspect(study: Study, mixture: str, task: str, items: str | None = None) -> str:
    """Return items of one task with prompt, answer and what was read from it.

    Args:
        items: numbers from 0, such as `0-4,17`; None: the first few.

    Raises:
        FlexmoreError: no such mixture, task or item, or it has not been evaluated on the suite as it is now.
    """
    go_offline()
    use_torch()
    from flexmore.evaluation.inspection import show_items

    known = find_mixture(study, mixture)
    sweep = next(sweep for sweep in sweeps(study) if known in sweep.mixtures)
    return show_items(open_suite(study), study.paths.scores(sweep.name), mixture, task, study.evaluate, items)
