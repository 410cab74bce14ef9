"""Where a study's measured tables are: among its own results, or among the committed ones."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flexmore.analysis.inputs import Inputs, read_inputs
from flexmore.config.analysis import AnalysisSettings
from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.report.page.about import About
from flexmore.report.page.readme import headed
from flexmore.steps.about_study import about_study, study_beside
from flexmore.steps.collected_files import adapter_files, score_files
from flexmore.steps.study.collect import collect


@dataclass(frozen=True)
class Measured:
    """Hold what a question is answered from.

    Attributes:
        settings: of the analysis.
        name: what the measured family is called; of a study that is not complete with the word that it is partial.
    """

    inputs: Inputs
    settings: AnalysisSettings
    name: str


def find_measured(study: Study, reports: Path, collected: Path | None = None) -> tuple[StudyPaths, str]:
    """Find the measured tables: the study's own where it is complete, else the committed `reports/<family>/`.

    The study's own are collected again first, so that they are up to date.

    Args:
        reports: committed tables, a folder for each family.
        collected: another folder than the study's for the tables that are collected.

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
        found = StudyPaths(collected) if collected else study.paths
        collect(study, found.tables)
        return found, f"from this study's own results in {study.paths.root}/"
    if (committed.tables / "scores.parquet").is_file():
        return committed, f"from the committed tables in {committed.tables}/ ({missing[0]} has not been made here)"
    raise FlexmoreError(
        f"{missing[0]} is missing and there is no {committed.tables / 'scores.parquet'}: "
        "run the study first (snakemake --cores all)"
    )


def read_measured(study: Study, reports: Path) -> Measured:
    """Read the measured tables that `find_measured` finds; nothing is written where the study is.

    Raises:
        FlexmoreError: there are none.
    """
    with TemporaryDirectory(prefix="flexmore-") as folder:
        source, _ = find_measured(study, reports, Path(folder))
        inputs = read_inputs(source.tables, str(study.seed), study.names)
    return Measured(inputs, study.analysis, study.family)


def read_folder_of(folder: Path) -> Measured:
    """Read the measured tables in a folder, or in `tables/` below it, with the settings of a config.yaml beside them.

    Raises:
        FlexmoreError: there are none.
    """
    root = folder.parent if folder.name == "tables" and not (folder / "tables").is_dir() else folder
    study = study_beside(root)
    about = about_study(study) if study else About(family=root.resolve().name)
    tables = root / "tables" if (root / "tables").is_dir() else root
    inputs = read_inputs(tables, about.seed, about.experts)
    return Measured(inputs, about.settings, headed(about, inputs.left_out))
