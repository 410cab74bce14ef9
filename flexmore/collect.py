"""From the artefacts of a study to its tables and figures, wherever its scores come from."""

from collections.abc import Mapping
from pathlib import Path

from flexmore.analysis.spectra import gather_adapters, gather_spectra
from flexmore.analysis.study import collect_scores, run_analysis, run_figures
from flexmore.analysis.table import write_csv, write_parquet
from flexmore.config import Layout, Study
from flexmore.errors import FlexmoreError
from flexmore.files import write_text
from flexmore.mixtures import Recipe, sweeps


def collect_tables(study: Study) -> None:
    """Gather scores, items, controls, versions, spectra and adapters of a complete study into `tables/`."""
    layout = study.layout
    files = _score_files(study)
    collect_scores(files, [Recipe.read(layout.recipe(name)) for name in files], layout.tables)
    spectra = gather_spectra(layout.factors(name) / "spectrum.parquet" for name in study.names)
    write_parquet(layout.tables / "spectra.parquet", spectra)
    write_csv(layout.tables / "adapters.csv", gather_adapters(_adapter_files(study)))


def facts_of(study: Study) -> Mapping[str, int]:
    """How many facts each expert memorised: the pocket family's planted truth, empty for experts from elsewhere."""
    if study.experts["public"].source != "pocket":
        return {}
    from flexmore.pocket.vocabulary import FACTS

    return {name: len(FACTS[name].relations) * study.pocket.subjects for name in study.names if name in FACTS}


def refresh(study: Study, reports: Path) -> str:
    """Make tables and figures again from what has been measured; nothing is evaluated.

    The study's own results serve where they are complete, else the committed `reports/<family>/`. What is made from
    those goes to `reported/`: beside the study's own tables and figures it would look as if the study had been run.

    Args:
        reports: committed tables of studies, a folder a family.

    Returns:
        A line that says which.

    Raises:
        FlexmoreError: neither is there.
    """
    layout = study.layout
    lacking = [path for path in (*_score_files(study).values(), *_adapter_files(study)) if not path.is_file()]
    committed = reports / study.family
    if not lacking:
        collect_tables(study)
        source, out, said = layout.tables, layout, f"from this study's own results in {layout.root}/"
    elif (committed / "scores.parquet").is_file():
        source, out = committed, Layout(layout.root / "reported")
        said = f"from the committed tables in {committed}/ ({lacking[0]} has not been made here)"
    else:
        raise FlexmoreError(
            f"{lacking[0]} is missing and there is no {committed / 'scores.parquet'}: "
            "run the study first (snakemake --cores all)"
        )
    facts = facts_of(study)
    run_analysis(source, out.tables, study.analysis, facts)
    figures = run_figures(source, out.figures, study.analysis, facts)
    line = f"{len(figures)} figures in {out.figures}/, tables in {out.tables}/: {said}"
    write_text(out.figures / "SOURCE.txt", line + "\n")
    return line


def _score_files(study: Study) -> dict[str, Path]:
    folder = study.layout.scores
    return {m.name: folder(sweep.name) / f"{m.name}.json" for sweep in sweeps(study) for m in sweep.mixtures}


def _adapter_files(study: Study) -> list[Path]:
    ranks = (*study.ladder, *study.extra_ranks)
    return [study.layout.adapters(name) / f"r{rank}.json" for name in study.names for rank in ranks]
