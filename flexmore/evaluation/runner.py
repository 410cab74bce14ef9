"""Evaluate a sweep: every mixture on every task of a suite. Results are cached at once, scores written at the end."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import EvaluationFailed, FlexmoreError
from flexmore.evaluation.outcome import MANY_UNREAD, SweepOutcome
from flexmore.evaluation.parts import SweepPart
from flexmore.evaluation.results.cache import ScoreCache, task_key
from flexmore.evaluation.results.scores import write_known_scores, write_scores
from flexmore.evaluation.sigterm import SigtermHandler
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.switching import SwitchableModel, SwitchingEngine
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask, TaskScore
from flexmore.mixtures.recipe import Recipe
from flexmore.progress import track

_log = logging.getLogger(__name__)

Record = Mapping[str, Any]
Records = dict[tuple[str, str], Record]
"""Records of the score cache by recipe fingerprint and task."""


@dataclass(frozen=True)
class SweepRun:
    """Hold what a sweep is evaluated with, and where its results go.

    Attributes:
        recipes: of the mixtures; recipes with the same fingerprint are evaluated once.
        model: of this sweep.
        suite: the tasks, already cut down to those wanted.
        cache: the folder of the score cache.
        out: the folder of the sweep's scores.
    """

    recipes: Sequence[Recipe]
    model: SwitchableModel
    suite: Suite
    cache: Path
    out: Path
    settings: EvaluateSettings


def evaluate_sweep(run: SweepRun, part: SweepPart | None = None) -> SweepOutcome:
    """Evaluate the mixtures of a sweep and write `out/<mixture>.json` and its answers for each.

    Every task's result goes to the cache as soon as it is known, so a run that is killed loses at most one. No scores
    are written unless everything could be evaluated. Every finite result counts, whatever it is; logits that are NaN
    or infinite are a failure.

    Args:
        part: evaluate only this part, into the cache, and write no scores.

    Raises:
        EvaluationFailed: some tasks cannot be loaded or scored; the others were evaluated.
        Interrupted: SIGTERM arrived; what was finished is in the cache.
    """
    sigterm = SigtermHandler("every finished task is in the cache; the same command continues from there")
    part = part or SweepPart()
    with sigterm.active():
        evaluation = _Evaluation(run, sigterm)
        records = evaluation.evaluate(part)
        outcome = evaluation.outcome
        if outcome.failures:
            raise EvaluationFailed(outcome.failure(run.out.name), outcome.failures)
        if part.whole:
            write_scores(run.recipes, run.suite, ScoreCache(run.cache), records, run.out, run.settings, sigterm)
            outcome.written = True
    return outcome


def write_cached(run: SweepRun) -> list[str]:
    """Write `out/<mixture>.json` of what the cache has of a sweep; nothing is computed, and no weights are loaded.

    Returns:
        The mixtures that it has anything of.
    """
    records = _Evaluation(run, SigtermHandler("nothing was computed")).cached()
    return write_known_scores(run.recipes, run.suite, records, run.out, run.settings)


class _Evaluation:
    """Evaluate what of a sweep is not in the cache; tasks are prepared once."""

    def __init__(self, run: SweepRun, sigterm: SigtermHandler) -> None:
        self.outcome = SweepOutcome()
        self._run = run
        self._sigterm = sigterm
        self._cache = ScoreCache(run.cache)
        self._engine = SwitchingEngine(run.model, run.settings.batch_tokens)
        self._tasks: dict[str, PreparedTask] = {}

    def evaluate(self, part: SweepPart) -> Records:
        """Evaluate what of a part is not in the cache, and return all of its records but those that failed."""
        run = self._run
        evaluations = part.select(run.recipes, run.suite.index, run.settings.limit)
        self._prepare({info.task for _, info in evaluations})
        wanted = [(recipe, self._tasks[info.task]) for recipe, info in evaluations if info.task in self._tasks]
        records = self._cached(wanted)
        missing = [(recipe, task) for recipe, task in wanted if (recipe.fingerprint, task.info.task) not in records]
        for recipe, task in self._tracked(missing, part, total=len(wanted)):
            if computed := self._compute(recipe, task):
                records[recipe.fingerprint, task.info.task] = computed
        every = len(run.recipes) * len(self._tasks) if part.whole else len(wanted)
        failed = len(wanted) - len(records)
        self.outcome.cached = every - self.outcome.computed - failed
        self.outcome.unread = list(_unread(wanted, records))
        return records

    def cached(self) -> Records:
        """Return what of the sweep is in the cache."""
        evaluations = SweepPart().select(self._run.recipes, self._run.suite.index, self._run.settings.limit)
        self._prepare({info.task for _, info in evaluations})
        return self._cached(
            [(recipe, self._tasks[info.task]) for recipe, info in evaluations if info.task in self._tasks]
        )

    def _prepare(self, names: Set[str]) -> None:
        """Load tasks and build their requests; a task that fails is reported and left out."""
        suite, settings = self._run.suite, self._run.settings
        manager = open_tasks(suite.folder)
        for info in suite.index:
            if info.task not in names:
                continue
            try:
                task = load_task(manager, info, settings.seed, suite.datasets)
                self._tasks[info.task] = PreparedTask(info, task, settings.limit, settings.sampling)
            except Exception as error:  # a task is foreign code: whatever it raises, the others are evaluated
                self._failed(info.task, error)

    def _cached(self, wanted: Sequence[tuple[Recipe, PreparedTask]]) -> Records:
        """Return the records that the cache has."""
        records: Records = {}
        for recipe, task in wanted:
            record = self._cache.get(recipe.fingerprint, task.info.task, self._key(recipe, task))
            if record is not None:
                records[recipe.fingerprint, task.info.task] = record
        return records

    def _key(self, recipe: Recipe, task: PreparedTask) -> str:
        settings = {"limit": self._run.settings.limit, "seed": self._run.settings.seed}
        return task_key(recipe.fingerprint, task.content, self._engine.dtype, self._engine.identity, settings)

    def _tracked(
        self, missing: Sequence[tuple[Recipe, PreparedTask]], part: SweepPart, total: int
    ) -> Iterator[tuple[Recipe, PreparedTask]]:
        """Yield what has to be computed, and report progress."""
        title = " ".join(filter(None, ("evaluate", self._run.out.name, part.options)))
        title += f" ({len(self._run.recipes)} mixtures x {len(self._tasks)} tasks)" if part.whole else ""
        mixtures = len({recipe.fingerprint for recipe, _ in missing})

        def status() -> str:
            return ", ".join(filter(None, (f"mixture {self._engine.switches} of {mixtures}", self.outcome.speed)))

        return track(missing, total, title, done=total - len(missing), every=60, status=status)

    def _compute(self, recipe: Recipe, task: PreparedTask) -> Record | None:
        """Evaluate a task and store its record; None if that failed."""
        name, start = task.info.task, time.perf_counter()
        self._engine.switch_to(recipe.mixture)
        try:
            score = task.score(self._engine.respond(task))
        except Exception as error:  # as above
            self._failed(f"{recipe.mixture.name} on {name}", error)
            return None
        result = _result(task, score, self._engine.cut_items(task))
        line, key = score.answers.to_line(name, task.content), self._key(recipe, task)
        with self._sigterm.deferred():
            record = self._cache.put(recipe.fingerprint, name, key, result, self._engine.versions, line)
        self.outcome.computed += 1
        self.outcome.items += task.n
        self.outcome.tokens += self._engine.tokens(task)
        self.outcome.seconds += time.perf_counter() - start
        return record

    def _failed(self, what: str, error: Exception) -> None:
        why = str(error) if isinstance(error, FlexmoreError) else f"{type(error).__name__}: {error}"
        _log.error("%s: %s", what, why, exc_info=not isinstance(error, FlexmoreError))
        self.outcome.failures.append(f"{what}: {why}")


def _unread(wanted: Sequence[tuple[Recipe, PreparedTask]], records: Records) -> Iterator[str]:
    """Yield of which results more than `MANY_UNREAD` of the answers are unread."""
    for recipe, task in wanted:
        record = records.get((recipe.fingerprint, task.info.task))
        if record and record["result"]["unread"] > MANY_UNREAD * task.n:
            yield f"{recipe.mixture.name} on {task.info.task}: {record['result']['unread']} of {task.n}"


def _result(task: PreparedTask, score: TaskScore, cut: int) -> dict[str, Any]:
    """Return a task's result as the cache and `scores/` keep it.

    Args:
        cut: how many items had a prompt that was cut.
    """
    result = {"answer": task.answer, "score": score.score, "stderr": score.stderr, "n": len(score.items)}
    result |= {"unread": score.unread, "cut": cut, "items": list(score.items)}
    others = {name: {"score": mean, "stderr": stderr} for name, (mean, stderr) in score.others.items()}
    clusters = None if task.clusters is None else list(task.clusters)
    optional = {"others": others or None, "chance": task.chance, "clusters": clusters}
    return result | {name: value for name, value in optional.items() if value is not None}
