"""A sweep evaluated: every mixture on every task of a suite, each result kept at once, published at the end."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError, NotFinite
from flexmore.evaluation.alarms import NOT_FINITE
from flexmore.evaluation.engine.lm import MixtureLM, Response
from flexmore.evaluation.engine.vllm import DenseModel, VllmLM
from flexmore.evaluation.parts import SweepPart
from flexmore.evaluation.results.answers import TaskAnswers
from flexmore.evaluation.results.cache import ScoreCache, task_key
from flexmore.evaluation.results.scores import publish
from flexmore.evaluation.results.versions import installed_version, provenance
from flexmore.evaluation.sigterm import Termination
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask, TaskScore
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.recipe import Recipe
from flexmore.progress import track

_log = logging.getLogger(__name__)
_LISTED = 20

Record = Mapping[str, Any]
Records = dict[tuple[str, str], Record]
"""By fingerprint and task."""


class EvaluationFailed(FlexmoreError):
    """Some tasks could not be evaluated; everything else was, and is in the cache."""

    status = 3


class Switchable(Protocol):
    """A model that takes one mixture after another (`flexmore.modeling.SweepModel`).

    Before the first one it may have no weights (`flexmore.evaluation.lazy_model`): what names results is read from it
    even so, and if everything is in the cache nothing is loaded.
    """

    model: Any
    tokenizer: PreTrainedTokenizerBase
    dtype: str
    device: torch.device

    def set_mixture(self, mixture: Mixture) -> None:
        """Give it the mixture's ranks and number of active experts."""


class Engine(Protocol):
    """What answers requests (`flexmore.evaluation.engine.lm`, `flexmore.evaluation.engine.vllm`)."""

    model: Any

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the answers beside weights, dtype and requests."""

    def prepare(self, kind: str, requests: Sequence[Any]) -> Any:
        """Requests of one kind, ready for any weights; `tokens` says how many are read for them."""

    def respond(self, prepared: Any) -> Sequence[Response]:
        """The answers in the order of the requests."""


@dataclass
class Report:
    """What a sweep did: tasks of mixtures computed now, or found in the cache; the former's documents, tokens, seconds.

    Attributes:
        tokens: that were read, what requests share once; not those generated.
        alarms: what was quarantined, and why.
        published: whether it was the whole sweep.
    """

    computed: int = 0
    cached: int = 0
    documents: int = 0
    tokens: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    published: bool = False

    def __str__(self) -> str:
        rate = ""
        if self.seconds:
            rate = (
                f", {self.documents / self.seconds:.0f} documents and {self.tokens / self.seconds:,.0f} tokens a second"
            )
        lines = [f"{self.computed} evaluations computed{rate}, {self.cached} found in the cache"]
        if self.alarms:
            lines.append(f"{len(self.alarms)} quarantined, left out of every table:")
            lines += _listed(self.alarms)
        if not self.published:
            lines.append("a part: nothing was published; once all parts are done, the sweep as a whole publishes")
        return "\n".join(lines)


def evaluate_sweep(
    recipes: Sequence[Recipe],
    model: Switchable,
    suite: Suite,
    cache: Path,
    out: Path,
    settings: EvaluateSettings,
    part: SweepPart | None = None,
) -> Report:
    """Evaluate the mixtures of a sweep and publish `out/<mixture>.json` and its answers for each.

    Every task's result goes to the cache as soon as it is known, so a run that is killed loses at most one.
    Nothing is published unless everything could be evaluated. A score that is doubtful is quarantined: it is published
    with the reason, and no table takes it.

    Args:
        recipes: what to evaluate; recipes with the same fingerprint are evaluated once.
        model: of this sweep.
        suite: the tasks, already cut down to those wanted.
        cache: the folder of the score cache.
        out: the folder of the sweep's scores.
        part: evaluate only that much, and publish nothing.

    Raises:
        EvaluationFailed: tasks that cannot be loaded or scored; the others were evaluated.
        Interrupted: SIGTERM; what was finished is in the cache.
    """
    termination = Termination("every finished task is in the cache, the same command goes on from there")
    part = part or SweepPart()
    with termination.watched():
        sweep = _Sweep(model, suite, ScoreCache(cache), settings, termination)
        records = sweep.run(recipes, part, f"evaluate {' '.join(filter(None, (out.name, part.options)))}")
        if sweep.report.failures:
            raise EvaluationFailed(_failure(sweep.report, out))
        if part.whole:
            publish(recipes, suite, ScoreCache(cache), records, out, termination)
            sweep.report.published = True
    return sweep.report


class _Sweep:
    """The state of one run: tasks prepared once, the model's current mixture, what was done."""

    def __init__(
        self, model: Switchable, suite: Suite, cache: ScoreCache, settings: EvaluateSettings, termination: Termination
    ) -> None:
        self.report = Report()
        self._model = model
        self._suite = suite
        self._cache = cache
        self._settings = settings
        self._termination = termination
        self._engine = self._engine_of(model)
        self._versions: dict[str, str] = {}
        self._tasks: dict[str, PreparedTask] = {}
        self._requests: dict[str, Any] = {}
        self._loaded = ""
        self._mixtures = 0

    def run(self, recipes: Sequence[Recipe], part: SweepPart, title: str) -> Records:
        """Evaluate what of a part is not in the cache; returns what of it there is, without what failed."""
        pairs = part.of(recipes, self._suite.index, self._settings.limit)
        self._prepare({info.task for _, info in pairs})
        wanted = [(recipe, self._tasks[info.task]) for recipe, info in pairs if info.task in self._tasks]
        records: Records = {}
        missing = []
        for recipe, task in wanted:
            record = self._cache.get(recipe.fingerprint, task.info.task, self._key(recipe, task))
            if record is None:
                missing.append((recipe, task))
            else:
                records[recipe.fingerprint, task.info.task] = record
        title += f" ({len(recipes)} mixtures x {len(self._tasks)} tasks)" if part.whole else ""
        of = len({recipe.fingerprint for recipe, _ in missing})
        steps = track(missing, len(wanted), title, done=len(records), every=60, status=lambda: self._status(of))
        for recipe, task in steps:
            if computed := self._compute(recipe, task):
                records[recipe.fingerprint, task.info.task] = computed
        every = len(recipes) * len(self._tasks) if part.whole else len(wanted)
        failed = len(wanted) - len(records)
        self.report.cached = every - self.report.computed - failed
        self.report.alarms = list(_alarms(wanted, records))
        return records

    def _prepare(self, names: Set[str]) -> None:
        """Load tasks and build their requests; one that fails is reported and left out."""
        manager = open_tasks(self._suite.folder)
        for info in self._suite.index:
            if info.task not in names:
                continue
            try:
                task = load_task(manager, info.task, self._settings.seed, self._suite.datasets)
                self._tasks[info.task] = PreparedTask(info, task, self._settings.limit, self._settings.sampling)
            except Exception as error:  # a task is foreign code: whatever it raises, the others go on
                self._failed(info.task, error)

    def _key(self, recipe: Recipe, task: PreparedTask) -> str:
        settings = {"limit": self._settings.limit, "seed": self._settings.seed}
        return task_key(recipe.fingerprint, task.content, self._model.dtype, self._engine.identity, settings)

    def _compute(self, recipe: Recipe, task: PreparedTask) -> Record | None:
        name, start = task.info.task, time.perf_counter()
        self._show(recipe.mixture)
        try:
            if name not in self._requests:
                self._requests[name] = self._engine.prepare(task.kind, task.requests)
            result, answers = _result(recipe, task, task.score(self._engine.respond(self._requests[name])))
        except NotFinite:
            result, answers = (
                {"score": None, "stderr": None, "n": task.n, "items": [], "alarm": NOT_FINITE},
                TaskAnswers(),
            )
        except Exception as error:  # as above
            self._failed(f"{recipe.mixture.name} on {name}", error)
            return None
        packed, key = answers.packed(name, task.content), self._key(recipe, task)
        with self._termination.writing():
            record = self._cache.put(recipe.fingerprint, name, key, result, self._versions, packed)
        self.report.computed += 1
        self.report.documents += task.n
        self.report.tokens += self._requests[name].tokens
        self.report.seconds += time.perf_counter() - start
        return record

    def _show(self, mixture: Mixture) -> None:
        """Let the model be that mixture."""
        if self._loaded == mixture.name:
            return
        self._model.set_mixture(mixture)
        if not self._versions:
            self._versions = provenance(self._model.dtype, str(self._model.device), self._settings.batch_tokens)
            if isinstance(self._model, DenseModel):
                self._versions["vllm"] = installed_version("vllm")
        if self._engine.model is not self._model.model:  # it was an outline before
            outlined, self._engine = self._engine.identity, self._engine_of(self._model)
            if self._engine.identity != outlined:
                raise FlexmoreError(f"{mixture.name}: found {self._engine.identity} once loaded, before {outlined}")
        self._loaded = mixture.name
        self._mixtures += 1

    def _engine_of(self, model: Switchable) -> Engine:
        if isinstance(model, DenseModel):
            return VllmLM(model)
        return MixtureLM(model.model, model.tokenizer, self._settings.batch_tokens)

    def _status(self, of: int) -> str:
        """Where the run is, for its progress."""
        speed = f", {self.report.tokens / self.report.seconds:,.0f} tokens/s" if self.report.seconds else ""
        return f"mixture {self._mixtures} of {of}{speed}"

    def _failed(self, where: str, error: Exception) -> None:
        what = str(error) if isinstance(error, FlexmoreError) else f"{type(error).__name__}: {error}"
        _log.error("%s: %s", where, what, exc_info=not isinstance(error, FlexmoreError))
        self.report.failures.append(f"{where}: {what}")


def _alarms(wanted: Sequence[tuple[Recipe, PreparedTask]], records: Records) -> Iterator[str]:
    """What of the results is quarantined, and why."""
    for recipe, task in wanted:
        record = records.get((recipe.fingerprint, task.info.task))
        if record and "alarm" in record["result"]:
            yield f"{recipe.mixture.name} on {task.info.task}: {record['result']['alarm']}"


def _result(recipe: Recipe, task: PreparedTask, score: TaskScore) -> tuple[dict[str, Any], TaskAnswers]:
    """A task's result as the cache and `scores/` keep it, and the answers beside it.

    A control is there to fail: that its answers cannot be read is its result, no alarm.
    """
    alarm = None if recipe.mixture.kind == "control" else score.alarm
    result = {"score": score.score, "stderr": score.stderr, "n": len(score.items), "items": list(score.items)}
    others = {name: {"score": mean, "stderr": stderr} for name, (mean, stderr) in score.others.items()}
    told = {"others": others or None, "chance": task.chance, "alarm": alarm}
    return result | {name: value for name, value in told.items() if value is not None}, score.answers


def _failure(report: Report, out: Path) -> str:
    """The message that ends a run in which tasks failed."""
    done = report.computed + report.cached
    return "\n".join(
        [
            f"{out.name}: {len(report.failures)} evaluations failed, {done} are done and in the cache:",
            *_listed(report.failures),
            "nothing was published; correct what the lines name and run the same command: only these are repeated",
        ]
    )


def _listed(lines: Sequence[str]) -> list[str]:
    more = [f"  ... and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return [*(f"  {line}" for line in lines[:_LISTED]), *more]
