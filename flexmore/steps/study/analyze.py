"""Make every table of the analysis from the measured tables, in `tables/`."""

from flexmore.config.study import Study
from flexmore.report.drawing import run_analysis
from flexmore.steps.about_study import about_study


def analyze(study: Study) -> None:
    """Make every table of the analysis of a study whose tables have been collected."""
    run_analysis(study.paths.tables, study.paths.tables, about_study(study))
