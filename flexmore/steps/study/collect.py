"""Collect the scores, spectra and adapters of a complete study into `tables/`."""

from pathlib import Path

from flexmore.analysis.tables.collecting import collect_scores
from flexmore.analysis.tables.spectra import gather_adapters, gather_spectra
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.config.study import Study
from flexmore.mixtures.recipe import Recipe
from flexmore.steps.collected_files import adapter_files, check_evaluated, score_files


def collect(study: Study, out: Path | None = None) -> None:
    """Write the scores, items, clusters, controls, versions, spectra and adapters of a complete study to `tables/`.

    Args:
        out: another folder to write them to.

    Raises:
        FlexmoreError: a mixture has not been evaluated, or with other settings than the study's.
    """
    paths, out = study.paths, out or study.paths.tables
    files = score_files(study)
    recipes = [Recipe.read(paths.recipe(name)) for name in files]
    check_evaluated(study, files, recipes)
    collect_scores(files, recipes, out)
    spectra = gather_spectra(paths.factors(name) / "spectrum.parquet" for name in study.names)
    write_parquet(out / "spectra.parquet", spectra)
    write_csv(out / "adapters.csv", gather_adapters(adapter_files(study, study.names)))
