"""One lm-eval task, ready to be scored for one mixture after another: its requests are built once."""

import contextlib
import functools
import inspect
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy
from lm_eval.api.metrics import mean, mean_stderr

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.files import fingerprint

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask

_SCORED_BY = ("output_type", "metric_list", "filter_list", "process_results", "generation_kwargs", "repeats")


@dataclass(frozen=True)
class TaskScore:
    """A task's result for one mixture.

    Attributes:
        items: the primary metric of each document, in the documents' order.
        score: their mean. stderr: its standard error, None for a single document.
    """

    items: tuple[float, ...]
    score: float
    stderr: float | None


class PreparedTask:
    """A task's documents and requests, with what its score depends on.

    Args:
        limit: at most so many documents, the first ones; None for all.

    Attributes:
        requests: what a model is asked, all of one `kind`.
        content: fingerprint of prompts, documents, targets, generation settings, metric, filters.

    Raises:
        FlexmoreError: the task has no documents, or its primary metric is none that is a mean over documents.
    """

    def __init__(self, info: TaskInfo, task: "ConfigurableTask", limit: int | None) -> None:
        self.info = info
        self._task = task
        _remember_fields(task)
        with contextlib.redirect_stderr(io.StringIO()):  # lm-eval draws a progress bar for each task
            task.build_all_requests(limit=limit)
        self.requests: list[Instance] = task.instances
        self.kind: str = self.requests[0].request_type
        self._documents: dict[int, list[Instance]] = {}
        for request in self.requests:
            self._documents.setdefault(request.doc_id or 0, []).append(request)
        for requests in self._documents.values():
            requests.sort(key=lambda request: request.idx)
        self._metric, _, filtered = info.metric.partition(",")
        names = [pipeline.name for pipeline in task._filters]
        self._filter = filtered or names[0]
        if self._filter not in names:
            raise FlexmoreError(f"{info.task}: found metric {info.metric!r}; its filters are {', '.join(names)}")
        known = task.aggregation()
        if known.get(self._metric) is not mean:
            means = ", ".join(name for name, of in known.items() if of is mean)
            raise FlexmoreError(
                f"{info.task}: found the primary metric {self._metric!r}; expected one that is a mean over documents, "
                f"here {means or 'none'}: correct `metric` in the suite's index"
            )
        self.content = self._content()

    def score(self, answers: Sequence[Any]) -> TaskScore:
        """What `lm_eval.evaluate` makes of a model's answers, one a request.

        Raises:
            FlexmoreError: an item is not a finite number in 0..1.
        """
        task = self._task
        try:
            for request, answer in zip(self.requests, answers, strict=True):
                request.resps = [answer] * (request.repeats or 1)
            task.apply_filters()
            items = [self._item(requests) for requests in self._documents.values()]
        finally:
            for request in self.requests:
                request.resps = []
                request.filtered_resps = {}
        if wrong := [item for item in items if not 0 <= item <= 1]:
            raise FlexmoreError(f"{self.info.task}: found {wrong[0]} as {self._metric} of a document; expected 0 to 1")
        stderr = float(mean_stderr(items)) if len(items) > 1 else None
        return TaskScore(tuple(items), float(mean(items)), stderr)

    def _item(self, requests: Sequence["Instance"]) -> float:
        found = self._task.process_results(requests[0].doc, [r.filtered_resps[self._filter] for r in requests])
        try:
            return float(found[self._metric])
        except (KeyError, TypeError, ValueError) as error:
            raise FlexmoreError(
                f"{self.info.task}: no number {self._metric!r} among a document's results {found!r}; correct `metric` "
                "in the suite's index or `metric_list` in the task's YAML"
            ) from error

    def _content(self) -> str:
        documents = [requests[0].doc for requests in self._documents.values()]
        config = self._task.config
        return fingerprint(
            {
                "requests": [[r.doc_id, r.idx, r.request_type, r.repeats, r.arguments] for r in self.requests],
                "documents": json.dumps(documents, sort_keys=True, default=str),
                "targets": [_plain(self._task.doc_to_target(document)) for document in documents],
                "scored by": {key: _plain(getattr(config, key)) for key in _SCORED_BY},
                "metric": [self._metric, self._filter],
            }
        )


def _remember_fields(task: "ConfigurableTask") -> None:
    """Let a task find each document's target and choices once: it renders their templates anew for every mixture."""

    def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
        known: dict[int, tuple[Any, Any]] = {}

        @functools.wraps(function)
        def remembered(document: Any, *given: Any) -> Any:
            if any(field is not None for field in given):
                return function(document, *given)
            if id(document) not in known:  # kept with its value, so that nothing else takes over its id
                known[id(document)] = (document, function(document))
            return known[id(document)][1]

        return remembered

    for name in ("doc_to_text", "doc_to_target", "doc_to_choice"):
        setattr(task, name, remembering(getattr(task, name)))


def _plain(value: Any) -> Any:
    """A setting as JSON; a function by its source, so that an edit shows."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case numpy.generic():
            return value.item()
    try:
        return inspect.getsource(value)
    except (TypeError, OSError):
        return getattr(value, "__qualname__", None) or repr(value)
