"""From the artefacts of a study to its tables and figures, wherever its scores come from."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from flexmore.analysis.artefacts import MEASURED, PAGES, TABLES
from flexmore.analysis.queries import compare_from, recommend_from
from flexmore.analysis.selection.recommend import Recommendation
from flexmore.analysis.study import SEEDS, collect_scores, read_inputs
from flexmore.analysis.tables.spectra import gather_adapters, gather_spectra
from flexmore.analysis.tables.table import write_csv, write_parquet
from flexmore.config.loading import dump_study, load_study
from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.files import atomic_file, write_text
from flexmore.mixtures.grid import sweeps
from flexmore.mixtures.parameters import parse_parameters
from flexmore.mixtures.recipe import Recipe
from flexmore.report.drawing import run_analysis, run_drawing
from flexmore.report.page.about import About

CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"
"""What each figure shows, beside the workflow; a page without them shows figures uncaptioned."""

PUBLISHED = {"flexolmo": Path(__file__).parents[2] / "reports" / "paper" / "published.yaml"}
"""What others have measured, by family; shown in a report on just that family."""


def collect_tables(study: Study) -> None:
    """Gather scores, items, controls, versions, spectra and adapters of a complete study into `tables/`."""
    paths = study.paths
    files = _score_files(study)
    collect_scores(files, [Recipe.read(paths.recipe(name)) for name in files], paths.tables, study.analysis.quarantine)
    spectra = gather_spectra(paths.factors(name) / "spectrum.parquet" for name in study.names)
    write_parquet(paths.tables / "spectra.parquet", spectra)
    write_csv(paths.tables / "adapters.csv", gather_adapters(_adapter_files(study)))


def facts_of(study: Study) -> Mapping[str, int]:
    """How many facts each expert memorised: the pocket family's planted truth, empty for experts from elsewhere."""
    if study.experts["public"].source != "pocket":
        return {}
    from flexmore.pocket.vocabulary import FACTS

    return {name: len(FACTS[name].relations) * study.pocket.subjects for name in study.names if name in FACTS}


def about(study: Study) -> About:
    """What a report on a study is about."""
    pocket = study.experts["public"].source == "pocket"
    return About(
        family=study.family,
        settings=study.analysis,
        facts=facts_of(study),
        experts=study.names,
        seed=str(study.seed),
        command="snakemake --cores all && flexmore publish" if pocket else "snakemake --cores all --configfile …",
        control=pocket,
        published=published_of(study.family),
    )


def published_of(family: str) -> dict[str, Any] | None:
    """Published values of a family, if there are any and they are here (the repository has them, not the package)."""
    path = PUBLISHED.get(family)
    if path is None or not path.is_file():
        return None
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def analyze_study(study: Study) -> None:
    """Every table of the analysis, from `tables/` into `tables/`."""
    run_analysis(study.paths.tables, study.paths.tables, about(study))


def draw_study(study: Study) -> None:
    """Figures and pages, from `tables/`."""
    run_drawing(study.paths.tables, study.paths.root, about(study), CAPTIONS)


def measured(study: Study, reports: Path) -> tuple[StudyPaths, str]:
    """Where the measured tables are: the study's own where it is complete, else the committed `reports/<family>/`.

    Returns:
        Their place (`tables/` in it), and which it is, in words.

    Raises:
        FlexmoreError: neither is there.
    """
    lacking = [path for path in (*_score_files(study).values(), *_adapter_files(study)) if not path.is_file()]
    committed = StudyPaths(reports / study.family)
    if not lacking:
        collect_tables(study)
        return study.paths, f"from this study's own results in {study.paths.root}/"
    if (committed.tables / "scores.parquet").is_file():
        return committed, f"from the committed tables in {committed.tables}/ ({lacking[0]} has not been made here)"
    raise FlexmoreError(
        f"{lacking[0]} is missing and there is no {committed.tables / 'scores.parquet'}: "
        "run the study first (snakemake --cores all)"
    )


def refresh(study: Study, reports: Path) -> str:
    """Make tables, figures and pages again from what has been measured; nothing is evaluated.

    What is made from committed tables goes to `reported/`: beside the study's own tables and figures it would look as
    if the study had been run.

    Args:
        reports: committed tables of studies, a folder a family.

    Returns:
        A line that says which.

    Raises:
        FlexmoreError: there are no measured tables.
    """
    source, said = measured(study, reports)
    out = source if source == study.paths else StudyPaths(study.paths.root / "reported")
    run_analysis(source.tables, out.tables, about(study))
    figures = run_drawing(source.tables, out.root, about(study), CAPTIONS)
    pages = ", ".join(str(out.root / page) for page in PAGES)
    line = f"{len(figures)} figures in {out.figures}/, tables in {out.tables}/, {pages}: {said}"
    write_text(out.figures / "SOURCE.txt", line + "\n")
    return line


def publish(study: Study, reports: Path, seed_only: bool = False) -> str:
    """Copy what a complete study has measured to `reports/<family>/` and make the report on it there, to be committed.

    Args:
        seed_only: the study is a further training seed of a family whose report is there: its measured tables go to
            `seeds/<seed>/`, and the report's main run stays what it is.

    Returns:
        A line that says what was written.

    Raises:
        FlexmoreError: the study is not complete, or there is no report to add a seed to.
    """
    target = StudyPaths(reports / study.family)
    if seed_only and not (target.tables / "scores.parquet").is_file():
        raise FlexmoreError(f"{target.tables}/scores.parquet: not found; publish the main run first, without --as-seed")
    if lacking := [path for path in _score_files(study).values() if not path.is_file()]:
        raise FlexmoreError(f"{lacking[0]}: not found; only a complete study is published (snakemake --cores all)")
    collect_tables(study)
    place = StudyPaths(target.root / SEEDS / str(study.seed)) if seed_only else target
    for name in MEASURED:
        if name != "scores.csv":  # scores.parquet holds the same
            with atomic_file(place.tables / name) as temporary:
                shutil.copyfile(study.paths.tables / name, temporary)
    write_text(place.root / "config.yaml", dump_study(study))
    main = load_study(target.root / "config.yaml") if seed_only else study
    return report(target.root, main)


def report(folder: Path, study: Study | None = None) -> str:
    """Make tables, figures and pages in `folder` from the measured tables in `folder`/tables/.

    Args:
        study: whose report it is; None: `folder`/config.yaml says, and where there is none the tables are from
            elsewhere and are read with the defaults.

    Returns:
        A line that says what was written.
    """
    if study is None and (folder / "config.yaml").is_file():
        study = load_study(folder / "config.yaml")
    subject = about(study) if study else About(family=folder.resolve().name)
    run_analysis(folder / "tables", folder / "tables", subject)
    figures = run_drawing(folder / "tables", folder, subject, CAPTIONS)
    return f"{folder}/README.md, {folder}/explore.html, {len(figures)} figures, {len(TABLES)} tables"


def recommendation(study: Study, reports: Path, budget: str) -> Recommendation:
    """The ranks for a parameter budget (`analysis.recommend`), from what has been measured."""
    source, _ = measured(study, reports)
    inputs = read_inputs(source.tables, str(study.seed), study.names)
    return recommend_from(inputs, parse_parameters(budget).value, study.analysis)


def comparison(study: Study, reports: Path, first: str, other: str) -> dict[str, object]:
    """Two mixtures against each other (`analysis.comparisons`), from what has been measured."""
    source, _ = measured(study, reports)
    return compare_from(read_inputs(source.tables, str(study.seed), study.names), first, other, study.analysis)


def _score_files(study: Study) -> dict[str, Path]:
    folder = study.paths.scores
    return {m.name: folder(sweep.name) / f"{m.name}.json" for sweep in sweeps(study) for m in sweep.mixtures}


def _adapter_files(study: Study) -> list[Path]:
    ranks = (*study.ladder, *study.extra_ranks)
    return [study.paths.adapters(name) / f"r{rank}.json" for name in study.names for rank in ranks]
