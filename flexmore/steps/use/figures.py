"""Make tables, figures and pages again from what has been measured; nothing is evaluated."""

from pathlib import Path

from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.files import write_text
from flexmore.report.drawing import PAGES, write_report
from flexmore.steps.about_study import about_study
from flexmore.steps.analysis_tables import write_analysis
from flexmore.steps.captions import CAPTIONS
from flexmore.steps.measured_tables import find_measured
from flexmore.steps.partial_tables import collect_partial
from flexmore.steps.use.report import report


def figures(study: Study, reports: Path) -> str:
    """Make tables, figures and pages from the study's own results, else from the committed tables.

    What is made from committed tables goes to `reported/`, apart from the study's own tables and figures, since it
    does not say that the study has been run here.

    Args:
        reports: committed tables, a folder for each family.

    Returns:
        A line that says where they are and what they were made from.

    Raises:
        FlexmoreError: there are no measured tables.
    """
    source, said = find_measured(study, reports)
    out = source if source == study.paths else StudyPaths(study.paths.root / "reported")
    write_analysis(source.tables, out.tables, about_study(study))
    drawn = write_report(source.tables, out.root, about_study(study), CAPTIONS)
    pages = ", ".join(str(out.root / page) for page in PAGES)
    line = f"{len(drawn)} figures in {out.figures}/, tables in {out.tables}/, {pages}: {said}"
    write_text(out.figures / "SOURCE.txt", line + "\n")
    return line


def partial_figures(study: Study) -> str:
    """Make tables, figures and pages of what there is of an unfinished study, in `partial/`.

    Returns:
        Lines that say what there is, and where the pages are.

    Raises:
        FlexmoreError: nothing can be compared yet.
    """
    return "\n".join([collect_partial(study), report(study.paths.partial, study)])
