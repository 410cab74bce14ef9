"""Copy a complete study's measured tables to `reports/<family>/` and make the report there."""

import shutil
from pathlib import Path

from flexmore.analysis.inputs import SEEDS
from flexmore.analysis.tables.catalogue import COLLECTED
from flexmore.analysis.tables.storage import read_table
from flexmore.config.loading import dump_study, load_study
from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.results.versions import UNKNOWN
from flexmore.files import atomic_file, write_text
from flexmore.steps.collected_files import score_files
from flexmore.steps.study.collect import collect
from flexmore.steps.use.report import report


def publish(study: Study, reports: Path, *, as_seed: bool = False) -> str:
    """Copy what a complete study has measured to `reports/<family>/` and make the report there, to be committed.

    Args:
        reports: committed tables, a folder for each family.
        as_seed: the study is a further training seed of a family that has a report: its measured tables go to
            `seeds/<seed>/`, and the main run of the report stays the same.

    Returns:
        A line that says what was written.

    Raises:
        FlexmoreError: the study is not complete, there is no report to add a seed to, or scores are of code that is no
            commit.
    """
    target = StudyPaths(reports / study.family)
    if as_seed and not (target.tables / "scores.parquet").is_file():
        raise FlexmoreError(f"{target.tables}/scores.parquet: not found; publish the main run first, without --as-seed")
    if missing := [path for path in score_files(study).values() if not path.is_file()]:
        raise FlexmoreError(f"{missing[0]}: not found; only a complete study is published (snakemake --cores all)")
    collect(study)
    _refuse_unknown_code(study)
    run = StudyPaths(target.root / SEEDS / str(study.seed)) if as_seed else target
    for name in COLLECTED:
        if name != "scores.csv":  # scores.parquet holds the same
            with atomic_file(run.tables / name) as temporary:
                shutil.copyfile(study.paths.tables / name, temporary)
    write_text(run.root / "config.yaml", dump_study(study))
    main = load_study(target.root / "config.yaml", elsewhere=True) if as_seed else study
    return report(target.root, main)


def _refuse_unknown_code(study: Study) -> None:
    """Check that the commit is known of all code that computed a score, so that others can find it.

    Raises:
        FlexmoreError: it is not.
    """
    path = study.paths.tables / "versions.csv"
    versions = read_table(path)
    commits = versions[versions["what"] == "commit"]
    for version, mixtures in zip(commits["version"].astype(str), commits["mixtures"], strict=True):
        if version == UNKNOWN or version.endswith("+"):
            what = "no known commit" if version == UNKNOWN else f"commit {version[:-1]} with changes"
            raise FlexmoreError(
                f"{path}: the scores of {mixtures} mixtures were computed by code of {what}; a report says which code "
                "anybody can run again: commit all changes of a git checkout of this project, remove "
                f"{study.paths.cache}/scores, and run the study there with `snakemake --cores all --forcerun evaluate`"
            )
