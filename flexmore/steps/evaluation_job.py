"""One evaluation of a sweep, as the steps `evaluate` and `calibrate` run it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from flexmore.checkpoints.recipes import check_recipe
from flexmore.config.evaluation import EvaluateSettings
from flexmore.config.study import Study
from flexmore.evaluation.parts import SweepPart
from flexmore.mixtures.grid import Sweep
from flexmore.mixtures.recipe import Recipe
from flexmore.suites.study_suite import open_suite

if TYPE_CHECKING:
    from flexmore.evaluation.runner import SweepRun


@dataclass(frozen=True)
class EvaluationJob:
    """Hold which sweep is evaluated, how, and where its scores go.

    Attributes:
        cache: folder of the score cache.
        out: folder that gets the scores of each mixture.
        part: which part of the sweep; None: all of it. A part fills the cache alone.
        stage: folder on this node's disk, to which weights are copied before they are loaded; None: read in place.
    """

    sweep: Sweep
    settings: EvaluateSettings
    cache: Path
    out: Path
    part: SweepPart | None = None
    stage: Path | None = None

    def run(self, study: Study) -> str:
        """Evaluate the sweep and return a line that says how much was computed.

        Raises:
            CheckpointError: a recipe is not of the weights on disk.
        """
        from flexmore.evaluation.runner import evaluate_sweep

        with self._opened(study) as run:
            return str(evaluate_sweep(run, self.part))

    def write_cached(self, study: Study) -> list[str]:
        """Write what the cache has of the sweep's scores and return the mixtures; nothing is computed.

        Raises:
            CheckpointError: a recipe is not of the weights on disk.
        """
        from flexmore.evaluation.runner import write_cached

        with self._opened(study) as run:
            return write_cached(run)

    @contextmanager
    def _opened(self, study: Study) -> "Iterator[SweepRun]":
        """Yield what the sweep is evaluated with; no weights are loaded yet."""
        from flexmore.evaluation.engine.vllm import DenseModel
        from flexmore.evaluation.lazy_model import LazyModel
        from flexmore.evaluation.runner import SweepRun
        from flexmore.exchange.materialize import materialize

        paths, settings = study.paths, self.settings
        recipes = [Recipe.read(paths.recipe(mixture.name)) for mixture in self.sweep.mixtures]
        for recipe in recipes:
            check_recipe(paths, recipe)
        suite = open_suite(study)
        match settings.engine:
            case "own":
                mixtures = [recipe.mixture for recipe in recipes]  # with the ranks that a selection has chosen
                model = LazyModel(paths, mixtures, settings, study.seed, self.stage)
                yield SweepRun(recipes, model, suite, self.cache, self.out, settings)
            case "vllm":
                paths.cache.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=paths.cache, prefix=".dense.", suffix=".tmp") as scratch:

                    def write(recipe: Recipe, folder: Path) -> None:
                        materialize(recipe, paths, folder)

                    dense = DenseModel(paths, recipes, settings, study.seed, Path(scratch), write)
                    yield SweepRun(recipes, dense, suite, self.cache, self.out, settings)
            case engine:  # a name that the configuration allows and nothing here implements
                assert_never(engine)
