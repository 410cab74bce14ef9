"""Make every table of the analysis from the measured tables, in `tables/`."""

from flexmore.config.study import Study
from flexmore.steps.about_study import about_study
from flexmore.steps.analysis_tables import write_analysis


def analyze(study: Study) -> None:
    """Make every table of the analysis of a study whose tables have been collected."""
    write_analysis(study.paths.tables, study.paths.tables, about_study(study))
