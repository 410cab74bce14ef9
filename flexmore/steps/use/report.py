"""Analyse any measured tables: tables, figures and pages in one folder."""

from pathlib import Path

from flexmore.analysis.tables.catalogue import TABLES
from flexmore.analysis.tables.twins import scores_file
from flexmore.config.study import Study
from flexmore.report.drawing import write_report
from flexmore.report.page.about import About
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
    """
    study = study or study_beside(folder)
    about = about_study(study) if study else About(family=folder.resolve().name)
    write_analysis(folder / "tables", folder / "tables", about)
    drawn = write_report(folder / "tables", folder, about, CAPTIONS)
    made = f"{folder}/README.md, {folder}/explore.html, {len(drawn)} figures, {len(TABLES)} tables"
    return f"{made}: from {scores_file(folder / 'tables')}"
