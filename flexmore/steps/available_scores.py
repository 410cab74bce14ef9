"""What there is of the scores of an unfinished study: those of finished sweeps, and of the others what is cached."""

from collections.abc import Iterator
from pathlib import Path

from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.mixtures.grid import Sweep, sweeps
from flexmore.mixtures.recipe import Recipe
from flexmore.steps.collected_files import check_evaluated
from flexmore.steps.evaluation_job import EvaluationJob
from flexmore.steps.process import go_offline, use_torch


def available_scores(study: Study, scratch: Path) -> tuple[dict[str, Path], list[Recipe]]:
    """Return the files of what there is of the study's scores, by mixture, and the recipes of these mixtures.

    What of an unfinished sweep is in the cache is written to `scratch`; the cache is asked with the same keys as by the
    evaluation, so nothing of another configuration is taken. Nothing is computed.
    """
    files: dict[str, Path] = {}
    recipes: list[Recipe] = []
    for sweep, own in _composed(study):
        found = {recipe.mixture.name: study.paths.scores(sweep.name) for recipe in own}
        found = {name: folder / f"{name}.json" for name, folder in found.items()}
        if not _finished(study, found, own):
            found = _cached(study, sweep, scratch)
        files |= found
        recipes += [recipe for recipe in own if recipe.mixture.name in found]
    return files, recipes


def _composed(study: Study) -> Iterator[tuple[Sweep, list[Recipe]]]:
    """Yield the sweeps that have been composed, with their recipes."""
    for sweep in sweeps(study):
        paths = [study.paths.recipe(mixture.name) for mixture in sweep.mixtures]
        if all(path.is_file() for path in paths):
            yield sweep, [Recipe.read(path) for path in paths]


def _finished(study: Study, files: dict[str, Path], recipes: list[Recipe]) -> bool:
    """Tell whether all scores of a sweep have been written, with the study's settings."""
    if not all(path.is_file() for path in files.values()):
        return False
    try:
        check_evaluated(study, files, recipes)
    except FlexmoreError:
        return False
    return True


def _cached(study: Study, sweep: Sweep, scratch: Path) -> dict[str, Path]:
    """Write what of a sweep is in the cache, and return the files by mixture."""
    go_offline()
    use_torch()
    job = EvaluationJob(sweep, study.evaluate, study.paths.cache / "scores", StudyPaths(scratch).scores(sweep.name))
    return {name: job.out / f"{name}.json" for name in job.write_cached(study)}
