"""Draw the figures and write the pages, from `tables/`."""

from flexmore.config.study import Study
from flexmore.report.drawing import write_report
from flexmore.steps.about_study import about_study
from flexmore.steps.captions import CAPTIONS


def draw(study: Study) -> None:
    """Draw the figures and write README.md and explore.html of a study that has been analysed."""
    write_report(study.paths.tables, study.paths.root, about_study(study), CAPTIONS)
