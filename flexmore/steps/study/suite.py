"""Write the suite: tasks and their data into `suite/`, where evaluation reads them."""

from flexmore.config.study import Study
from flexmore.suites.study_suite import write_suite


def suite(study: Study) -> None:
    """Write a study's suite into `suite/`."""
    write_suite(study)
