"""The steps that evaluate: a sweep, the public model against published scores; what is asked and was answered."""

import tempfile
from pathlib import Path

from flexmore.checkpoints.family import check_recipe
from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.calibration import CalibrationFailed, check, render
from flexmore.evaluation.engine.vllm import DenseModel
from flexmore.evaluation.inspection import show_items
from flexmore.evaluation.lazy_model import LazyModel
from flexmore.evaluation.parts import SweepPart
from flexmore.evaluation.runner import Report, evaluate_sweep
from flexmore.evaluation.tokens import Tokens
from flexmore.evaluation.tokens import count_tokens as count
from flexmore.exchange.materialize import materialize
from flexmore.files import read_json, write_json, write_text
from flexmore.mixtures.grid import Sweep, find_mixture, find_sweep, sweeps
from flexmore.mixtures.recipe import Recipe
from flexmore.suites.study import open_suite


def evaluate(study: Study, sweep: Sweep, part: SweepPart | None = None, stage: Path | None = None) -> Report:
    """Evaluate a sweep's mixtures into `scores/<sweep>/`, or a part of it into the cache; what is cached is not
    computed again.

    Args:
        stage: a folder on this node's disk, to which weights are copied before they are loaded; None: read in place.
    """
    paths = study.paths
    return _evaluate(study, sweep, paths.cache / "scores", paths.scores(sweep.name), study.evaluate, stage, part)


def calibrate(study: Study, stage: Path | None = None) -> str:
    """Evaluate the public model on few items and compare it with what the configuration says was published for it.

    Args:
        stage: as for `evaluate`.

    Returns:
        The table, which is written to `calibration/table.txt` too; `passed.json` beside it says that it held.

    Raises:
        CalibrationFailed: it did not; the message is the table.
        FlexmoreError: there is nothing to compare with.
    """
    settings, folder = study.calibration, study.paths.calibration
    if not settings.reference:
        raise FlexmoreError("calibration.reference: empty; give the points that each group should have")
    few = study.evaluate.model_copy(update={"limit": settings.limit})
    _evaluate(study, find_sweep(study, "public"), study.paths.cache / "calibration", folder, few, stage)
    checks = check(read_json(folder / "public.json")["tasks"], settings)
    table = render(checks, settings)
    write_text(folder / "table.txt", table + "\n")
    if off := [found.group for found in checks if not found.passed]:
        raise CalibrationFailed(f"the public model is off its reference in {', '.join(off)}:\n{table}")
    write_json(folder / "passed.json", {found.group: vars(found) for found in checks})
    return table


def inspect(study: Study, mixture: str, task: str, items: str | None = None) -> str:
    """Return items of one task as one mixture answered them, as text for a person.

    Args:
        items: numbers from 0 in the documents' order, such as `0-4,17`; None: the first few.

    Raises:
        FlexmoreError: no such mixture, task or item; it has not been evaluated, or the suite has changed since.
    """
    known = find_mixture(study, mixture)
    sweep = next(sweep for sweep in sweeps(study) if known in sweep.mixtures)
    return show_items(open_suite(study), study.paths.scores(sweep.name), mixture, task, study.evaluate, items)


def count_tokens(study: Study) -> dict[str, Tokens]:
    """Count what one mixture is asked, by task group.

    Raises:
        FlexmoreError: the suite has not been written, or the public model or a data set has not been acquired.
    """
    paths = study.paths
    if not (paths.suite / "source.json").is_file() or not (paths.expert("public") / "source.json").is_file():
        raise FlexmoreError(
            f"{paths.root}: tokens are counted from the suite and the public model's tokenizer, which are not "
            "both here; `snakemake calibrate` acquires them"
        )
    model = LazyModel(paths, list(find_sweep(study, "public").mixtures), study.evaluate, study.seed)
    return count(open_suite(study), model, study.evaluate)


def _evaluate(
    study: Study,
    sweep: Sweep,
    cache: Path,
    out: Path,
    settings: EvaluateSettings,
    stage: Path | None,
    part: SweepPart | None = None,
) -> Report:
    paths = study.paths
    recipes = [Recipe.read(paths.recipe(mixture.name)) for mixture in sweep.mixtures]
    mixtures = [recipe.mixture for recipe in recipes]  # with the ranks that a selection has chosen
    for recipe in recipes:
        check_recipe(paths, recipe)
    suite = open_suite(study)
    if settings.engine == "own":
        model = LazyModel(paths, mixtures, settings, study.seed, stage)
        return evaluate_sweep(recipes, model, suite, cache, out, settings, part)
    paths.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.cache, prefix=".dense-", suffix=".tmp") as scratch:

        def write(recipe: Recipe, folder: Path) -> None:
            materialize(recipe, paths, folder)

        dense = DenseModel(paths, recipes, settings, study.seed, Path(scratch), write)
        return evaluate_sweep(recipes, dense, suite, cache, out, settings, part)
