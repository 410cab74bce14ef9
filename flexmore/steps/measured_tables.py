"""Where a study's measured tables are: among its own results, or among the committed ones."""

from pathlib import Path

from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.steps.collected_files import adapter_files, score_files
from flexmore.steps.study.collect import collect


def find_measured(study: Study, reports: Path) -> tuple[StudyPaths, str]:
    """Find the measured tables: the study's own where it is complete, else the committed `reports/<family>/`.

    The study's own are collected again first, so that they are up to date.

    Args:
        reports: committed tables, a folder for each family.

    Returns:
        Where they are (in `tables/` below it), and the same in words.

    Raises:
        FlexmoreError: the study is not complete, and no tables are committed.
    """
    missing = [
        path for path in (*score_files(study).values(), *adapter_files(study, study.names)) if not path.is_file()
    ]
    committed = StudyPaths(reports / study.family)
    if not missing:
        collect(study)
        return study.paths, f"from this study's own results in {study.paths.root}/"
    if (committed.tables / "scores.parquet").is_file():
        return committed, f"from the committed tables in {committed.tables}/ ({missing[0]} has not been made here)"
    raise FlexmoreError(
        f"{missing[0]} is missing and there is no {committed.tables / 'scores.parquet'}: "
        "run the study first (snakemake --cores all)"
    )


def read_measured(study: Study, reports: Path) -> Inputs:
    """Read the measured tables that `find_measured` finds.

    Raises:
        FlexmoreError: there are none.
    """
    source, _ = find_measured(study, reports)
    return read_inputs(source.tables, str(study.seed), study.names)
