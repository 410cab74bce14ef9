"""The tables of what there is of an unfinished study, in `partial/tables/`."""

from flexmore.analysis.tables.collecting import collect_available, collect_versions
from flexmore.analysis.tables.spectra import gather_adapters, gather_spectra
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.config.loading import dump_study
from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.files import atomic_folder, write_text
from flexmore.mixtures.grid import grid
from flexmore.steps.available_scores import available_scores
from flexmore.steps.collected_files import adapter_files
from flexmore.suites.study_suite import tasks_of


def collect_partial(study: Study) -> str:
    """Write what there is of an unfinished study to `partial/tables/`, in the place of what was there.

    `left_out.csv` among the tables says what is left out, and every page made from them says so too. Nothing of the
    study itself is changed, and none of its steps reads this folder.

    Returns:
        A line that says what is there.

    Raises:
        FlexmoreError: nothing can be compared yet.
    """
    paths = study.paths
    mixtures, tasks = [mixture.name for mixture in grid(study)], [info.task for info in tasks_of(study)]
    with atomic_folder(paths.partial, paths.root) as folder:
        files, recipes = available_scores(study, folder)
        found, left_out = collect_available(files, recipes, mixtures, tasks, study.names)
        tables = StudyPaths(folder).tables
        found.write(tables)
        write_csv(tables / "left_out.csv", left_out)
        write_csv(tables / "versions.csv", collect_versions(files))
        spectra = [paths.factors(name) / "spectrum.parquet" for name in study.names]
        write_parquet(tables / "spectra.parquet", gather_spectra(path for path in spectra if path.is_file()))
        measured = [path for path in adapter_files(study, study.names) if path.is_file()]
        write_csv(tables / "adapters.csv", gather_adapters(measured))
        write_text(folder / "config.yaml", dump_study(study))
    kept = f"{found.scores['mixture'].nunique()} of {len(mixtures)} mixtures on {found.scores['task'].nunique()}"
    return f"{paths.partial / 'tables'}: partial, {kept} of {len(tasks)} tasks; left_out.csv says what is left out"
