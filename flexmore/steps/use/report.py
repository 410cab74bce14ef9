"""Analyse any measured tables: tables, figures and pages in one folder."""

from pathlib import Path

from flexmore.analysis.tables.catalogue import TABLES
from flexmore.analysis.tables.twins import scores_file
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.report.drawing import write_report
from flexmore.report.page.about import About
from flexmore.report.page.readme import TITLE
from flexmore.steps.about_study import about_study, study_beside
from flexmore.steps.analysis_tables import write_analysis
from flexmore.steps.captions import CAPTIONS


def report(folder: Path, study: Study | None = None) -> str:
    """Make tables, figures and pages in `folder` from the measured tables in `folder`/tables/.

    Args:
        study: whose report it is; None: the study of `folder`/config.yaml; where there is no such file, the tables
            are read with the default settings.

    Returns:
        A line that says what was written.

    Raises:
        FlexmoreError: the folder has a README.md that is no report.
    """
    _check_page(folder / "README.md")
    study = study or study_beside(folder)
    about = about_study(study) if study else About(family=folder.resolve().name)
    write_analysis(folder / "tables", folder / "tables", about)
    drawn = write_report(folder / "tables", folder, about, CAPTIONS)
    made = f"{folder}/README.md, {folder}/explore.html, {len(drawn)} figures, {len(TABLES)} tables"
    return f"{made}: from {scores_file(folder / 'tables')}"


def _check_page(path: Path) -> None:
    """Check that a report replaces no page that somebody else has written."""
    if path.is_file() and not path.read_text(encoding="utf-8").partition("\n")[0].endswith(f": {TITLE}"):
        raise FlexmoreError(
            f"{path}: is no report of `flexmore`, and would be replaced by one; move it, or the tables to a folder "
            "without one; nothing was changed"
        )
