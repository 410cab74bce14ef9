"""Acquire the data sets of the paper's tasks into `datasets/`."""

from flexmore.config.study import Study
from flexmore.steps.process import require


def datasets(study: Study) -> str:
    """Acquire the data sets of a study's tasks and return a line that says what was fetched."""
    require("huggingface_hub")
    require("lm_eval")
    from flexmore.suites.datasets import acquire_datasets
    from flexmore.suites.study_suite import tasks_of

    return acquire_datasets(study, [task.task for task in tasks_of(study)])
