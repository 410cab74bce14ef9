"""Collect the scores, spectra and adapters of a complete study into `tables/`."""

from flexmore.analysis.tables.collecting import collect_scores
from flexmore.analysis.tables.spectra import gather_adapters, gather_spectra
from flexmore.analysis.tables.storage import write_csv, write_parquet
from flexmore.config.study import Study
from flexmore.mixtures.recipe import Recipe
from flexmore.steps.collected_files import adapter_files, score_files


def collect(study: Study) -> None:
    """Write the scores, items, clusters, controls, versions, spectra and adapters of a complete study to `tables/`.

    Raises:
        FlexmoreError: a mixture has not been evaluated.
    """
    paths = study.paths
    files = score_files(study)
    collect_scores(files, [Recipe.read(paths.recipe(name)) for name in files], paths.tables)
    spectra = gather_spectra(paths.factors(name) / "spectrum.parquet" for name in study.names)
    write_parquet(paths.tables / "spectra.parquet", spectra)
    write_csv(paths.tables / "adapters.csv", gather_adapters(adapter_files(study, study.names)))
