"""An lm-eval task ready to be scored for one mixture after another: its requests are built once."""

import contextlib
import functools
import io
import json
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lm_eval.api.metrics import mean, mean_stderr

from flexmore.config.evaluation import ItemSampling
from flexmore.errors import FlexmoreError
from flexmore.evaluation.results.answers import TaskAnswers
from flexmore.evaluation.suite import TaskInfo
from flexmore.evaluation.tasks.clusters import cluster_fields, clusters_of
from flexmore.evaluation.tasks.settings_text import plain
from flexmore.evaluation.tasks.unread import first_text, is_unread
from flexmore.files import fingerprint

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask

OLMES_SEED = 1234
"""OLMES takes `random.Random(1234).sample` of a task's documents if there are more than the limit."""

_ANSWERS = {"multiple_choice": "chosen", "generate_until": "written"}
_ONE_IS_RIGHT = ("acc", "acc_norm")
"""Metrics of choices by which a guess is right as often as one of the choices is taken."""
_SCORED_BY = ("output_type", "metric_list", "filter_list", "process_results", "generation_kwargs", "repeats")


@dataclass(frozen=True)
class TaskScore:
    """Hold a task's result for one mixture.

    Attributes:
        items: the primary metric of each item, in the documents' order.
        score: their mean.
        stderr: its standard error; None for a single item.
        answers: what the model answered to each item.
        unread: how many answers are empty or have none found in them; each of them is wrong by every metric.
        others: the task's other metrics that are means over all items: score and standard error of each.
    """

    items: tuple[float, ...]
    score: float
    stderr: float | None
    answers: TaskAnswers = field(default_factory=TaskAnswers)
    unread: int = 0
    others: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """Hold what one item asks.

    Attributes:
        continuations: the choices that may follow the prompt and are scored; empty if text is generated.
        target: the index of the right choice, or the right text, as the task gives it.
    """

    prompt: str
    continuations: tuple[str, ...]
    target: Any


class PreparedTask:
    """Hold a task's items (lm-eval's documents) and requests, and score a model's responses to them.

    Args:
        limit: the most items to take; None: all.
        sampling: which items to take: the `first` ones, or those that `olmes` draws.

    Attributes:
        requests: what a model is asked, all of one `kind`.
        n: number of items.
        answer: how items are answered: `chosen`, `written`, or empty where a given text is scored.
        chance: what guessing scores: the mean over the items of 1 / choices; None if nothing is chosen.
        clusters: of each item a hash of what it is about (`flexmore.evaluation.tasks.clusters`); None where the task
            does not say.
        content: fingerprint of prompts, documents, targets, generation settings, metric, filters.

    Raises:
        FlexmoreError: the primary metric is not one that is a mean over items.
    """

    def __init__(
        self, info: TaskInfo, task: "ConfigurableTask", limit: int | None, sampling: ItemSampling = "first"
    ) -> None:
        self.info = info
        self._task = task
        _remember_fields(task)
        if sampling == "olmes" and limit is not None and limit < len(documents := task.eval_docs):
            _ask_only(task, documents.select(random.Random(OLMES_SEED).sample(range(len(documents)), limit)))
        with contextlib.redirect_stderr(io.StringIO()):  # lm-eval shows a progress bar for each task
            task.build_all_requests(limit=limit)
        self.requests: list[Instance] = task.instances
        self.kind: str = self.requests[0].request_type
        self._documents: dict[int, list[Instance]] = {}
        for request in self.requests:
            self._documents.setdefault(request.doc_id or 0, []).append(request)
        for requests in self._documents.values():
            requests.sort(key=lambda request: request.idx)
        self._metric, _, filtered = info.metric.partition(",")
        self.n = len(self._documents)
        self.answer = _ANSWERS.get(task.OUTPUT_TYPE, "")
        self.chance = self._mean_chance() if self.answer == "chosen" and self._metric in _ONE_IS_RIGHT else None
        self._cluster_fields = cluster_fields(info.task, task.config.metadata)
        self.clusters = self._clusters()
        names = [pipeline.name for pipeline in task._filters]
        self._filter = filtered or names[0]
        if self._filter not in names:
            raise FlexmoreError(f"{info.task}: found metric {info.metric!r}; its filters are {', '.join(names)}")
        means = [name for name, of in task.aggregation().items() if of is mean]
        if self._metric not in means:
            raise FlexmoreError(
                f"{info.task}: found the primary metric {self._metric!r}; expected one that is a mean over items, "
                f"here {', '.join(means) or 'none'}: correct `metric` in the suite's index"
            )
        self._others = [name for name in means if name != self._metric]
        self.content = self._content()

    def score(self, responses: Sequence[Any]) -> TaskScore:
        """Return what `lm_eval.evaluate` makes of a model's responses, one for each request.

        An unread answer is 0 by every metric of which more is better, also where lm-eval would find it equal to an
        empty target.

        Raises:
            FlexmoreError: an item is not a finite number in 0..1.
        """
        task = self._task
        try:
            for request, response in zip(self.requests, responses, strict=True):
                request.resps = [response] * (request.repeats or 1)
            task.apply_filters()
            found = [self._metrics_of(requests) for requests in self._documents.values()]
            answers = self._answers()
        finally:
            for request in self.requests:
                request.resps = []
                request.filtered_resps = {}
        unread = [is_unread(text, read) for text, read in zip(answers.texts, answers.parsed, strict=True)]
        items = self._values(self._metric, found, unread)
        if wrong := [item for item in items if not 0 <= item <= 1]:
            raise FlexmoreError(f"{self.info.task}: found {wrong[0]} as {self._metric} of an item; expected 0 to 1")
        complete = [name for name in self._others if all(name in metrics for metrics in found)]
        others = {name: _mean(self._values(name, found, unread)) for name in complete}
        return TaskScore(tuple(items), *_mean(items), answers, sum(unread), others)

    def count_items(self, numbers: Collection[int]) -> int:
        """Return how many items the requests of these numbers belong to."""
        return len({self.requests[number].doc_id for number in numbers})

    def question(self, number: int) -> Question:
        """Return what the item of that number (from 0, in order) asks."""
        requests = list(self._documents.values())[number]
        scored = self.kind == "loglikelihood"
        continuations = tuple(str(request.args[1]) for request in requests) if scored else ()
        return Question(str(requests[0].args[0]), continuations, self._task.doc_to_target(requests[0].doc))

    def _metrics_of(self, requests: Sequence["Instance"]) -> Mapping[str, Any]:
        """Return the metrics of one item, from the responses to its requests."""
        responses = [request.filtered_resps[self._filter] for request in requests]
        metrics: Mapping[str, Any] = self._task.process_results(requests[0].doc, responses)
        return metrics

    def _answers(self) -> TaskAnswers:
        """Return what was answered to each item."""
        if self.kind != "generate_until":
            values = [[request.resps[0] for request in requests] for requests in self._documents.values()]
            return TaskAnswers([[v[0] if isinstance(v, tuple) else v for v in item] for item in values])
        read = getattr(self._task.config.process_results, "reads", None)
        texts, parsed = [], []
        for requests in self._documents.values():
            text = str(requests[0].resps[0])
            first = first_text(requests[0].filtered_resps[self._filter])
            texts.append(text)
            parsed.append(read(requests[0].doc, first) if read else first)
        return TaskAnswers(texts=texts, parsed=parsed)

    def _clusters(self) -> tuple[str, ...] | None:
        """Return the cluster of each item; None where the task declares none."""
        if self._cluster_fields is None:
            return None
        documents = [requests[0].doc for requests in self._documents.values()]
        return clusters_of(self.info.task, self._cluster_fields, documents)

    def _mean_chance(self) -> float:
        """Return the mean over items of 1 / choices."""
        documents = [requests[0].doc for requests in self._documents.values()]
        return float(mean([1 / len(self._task.doc_to_choice(document)) for document in documents]))

    def _values(self, metric: str, found: Sequence[Mapping[str, Any]], unread: Sequence[bool]) -> list[float]:
        """Return a metric of each item; where more is better an unread answer is 0."""
        values = [self._value(metrics, metric) for metrics in found]
        if self._task.higher_is_better().get(metric, True) and unread:
            values = [0.0 if lost else value for value, lost in zip(values, unread, strict=True)]
        return values

    def _value(self, found: Mapping[str, Any], metric: str) -> float:
        try:
            return float(found[metric])
        except (KeyError, TypeError, ValueError) as error:
            raise FlexmoreError(
                f"{self.info.task}: no number {metric!r} among an item's results {found!r}; correct `metric` "
                "in the suite's index or `metric_list` in the task's YAML"
            ) from error

    def _content(self) -> str:
        documents = [requests[0].doc for requests in self._documents.values()]
        config = self._task.config
        return fingerprint(
            {
                "requests": [[r.doc_id, r.idx, r.request_type, r.repeats, r.arguments] for r in self.requests],
                "documents": json.dumps(documents, sort_keys=True, default=str),
                "targets": [plain(self._task.doc_to_target(document)) for document in documents],
                "scored by": {key: plain(getattr(config, key)) for key in _SCORED_BY},
                "metric": [self._metric, self._filter],
                **({"cluster": list(self._cluster_fields)} if self._cluster_fields else {}),
            }
        )


def _mean(values: Sequence[float]) -> tuple[float, float | None]:
    return float(mean(values)), float(mean_stderr(values)) if len(values) > 1 else None


def _ask_only(task: "ConfigurableTask", documents: Any) -> None:
    """Let a task have these documents only."""
    for split in ("test_docs", "validation_docs"):
        setattr(task, split, lambda: documents)


def _remember_fields(task: "ConfigurableTask") -> None:
    """Let a task render the prompt, target and choices of each document once, instead of for every mixture."""

    def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
        known: dict[int, tuple[Any, Any]] = {}

        @functools.wraps(function)
        def remembered(document: Any, *given: Any) -> Any:
            if any(field is not None for field in given):
                return function(document, *given)
            if id(document) not in known:  # kept with its value, so that no other object gets its id
                known[id(document)] = (document, function(document))
            return known[id(document)][1]

        return remembered

    for name in ("doc_to_text", "doc_to_target", "doc_to_choice"):
        setattr(task, name, remembering(getattr(task, name)))
