"""Read what other evaluators, OLMES and lm-eval, wrote of one model.

OLMES writes `task-NNN-<task>-metrics.json` and beside it `...-predictions.jsonl`; lm-eval `results_<date>.json` and,
with `--log_samples`, `samples_<task>_<date>.jsonl`. Before 0.4.3 lm-eval wrote `results.json`, which does not say how
many items there were, and the samples of a task as `<model>_<task>.jsonl`, one JSON list: those are counted.

Tasks are matched to the suite's by name, without OLMES' variants (`:mc`, `::olmes`). A task's score is that of the
suite's primary metric, whichever metric the other evaluator calls primary.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.files import read_json

_OLMES_METRICS = {"acc": "acc_raw"}
_OLMES_TASKS = {"naturalqs_open": "naturalqs"}
_MODEL = ("model_name", "model_args", "model_hash")
"""Keys that tell one model from another, of a file of results or of its `config`."""


@dataclass(frozen=True)
class Result:
    """Hold the result of one task.

    Attributes:
        score: 0 to 1.
        n: number of items.
        items: the value of each item, in their order; empty where the folder does not hold them.
        source: the evaluator and its version.
    """

    task: str
    score: float
    stderr: float
    n: int
    items: tuple[float, ...]
    source: str


def read_results(folder: Path, infos: Mapping[str, TaskInfo]) -> dict[str, Result]:
    """Return the results in a folder of those tasks that a suite has, by task.

    Args:
        infos: the suite's tasks, by name.

    Raises:
        FlexmoreError: there are none, they are of two models, a task has two, a score is outside 0..1, or a file does
            not hold what is needed; the message names file and key.
    """
    found: dict[str, Result] = {}
    models: dict[str, Path] = {}
    for path, result in (*_olmes(folder, infos, models), *_lm_eval(folder, infos, models)):
        if len(models) > 1:
            listed = ", ".join(f"{model} ({of.relative_to(folder)})" for model, of in models.items())
            raise FlexmoreError(f"{folder}: results of {len(models)} models: {listed}; import each from its own folder")
        if result.task in found:
            raise FlexmoreError(f"{folder}: {result.task} has two results; keep one run of each task")
        if not 0 <= result.score <= 1:
            raise FlexmoreError(f"{path}: {result.task} scores {result.score}; expected 0 to 1")
        found[result.task] = result
    if not found:
        raise FlexmoreError(
            f"{folder}: no results of any of the suite's {len(infos)} tasks; expected OLMES' task-*-metrics.json or "
            "lm-eval's results_*.json"
        )
    return found


def _olmes(folder: Path, infos: Mapping[str, TaskInfo], models: dict[str, Path]) -> Iterator[tuple[Path, Result]]:
    """Yield the results that OLMES wrote, each with its file; add the models that they are of."""
    for path in sorted(folder.rglob("task-*-metrics.json")):
        content = _mapping(read_json(path), "all of it", path)
        name = str(_value(content, "task_name", path)).partition(":")[0]
        name = name.replace("-", "_").replace("agi_eval_", "agieval_")
        info = infos.get(_OLMES_TASKS.get(name, name))
        if info is None:
            continue
        _note_model(content, path, models)
        metric = _OLMES_METRICS.get(info.metric, info.metric)
        lines = _ordered(path.with_name(path.name.replace("-metrics.json", "-predictions.jsonl")))
        items = [_number(_mapping(line.get("metrics"), "metrics", path), metric, path) for line in lines]
        score = _number(_mapping(_value(content, "metrics", path), "metrics", path), metric, path)
        yield path, _result(info.task, score, None, _count(content, "num_instances", path), items, "OLMES")


def _lm_eval(folder: Path, infos: Mapping[str, TaskInfo], models: dict[str, Path]) -> Iterator[tuple[Path, Result]]:
    """Yield the results that lm-eval wrote, each with its file; add the models that they are of."""
    for path in sorted(folder.rglob("results*.json")):
        content = _mapping(read_json(path), "all of it", path)
        source = f"lm-eval {content.get('lm_eval_version', 'of an unknown version')}"
        for task, given in _mapping(_value(content, "results", path), "results", path).items():
            if (info := infos.get(task)) is None:
                continue
            _note_model(content, path, models)
            metrics, (metric, _, filtered) = _mapping(given, task, path), info.metric.partition(",")
            keys = [key for key in metrics if key.partition(",")[0] == metric]
            key = next((key for key in keys if filtered in ("", key.partition(",")[2])), metric)
            lines = _samples(path, task, key.partition(",")[2])
            items = [_number(line, metric, path) for line in lines]
            stderr = metrics.get(key.replace(metric, f"{metric}_stderr", 1))
            n = _items_of(content, task, len(items), path)
            yield path, _result(task, _number(metrics, key, path), stderr, n, items, source)


def _samples(path: Path, task: str, filtered: str) -> list[dict[str, Any]]:
    """Return lm-eval's samples of a task beside its results, those of one filter, in the order of the items."""
    of_date = path.with_name(f"samples_{task}_{path.stem.removeprefix('results_')}.jsonl")
    if of_date.is_file():
        return [line for line in _ordered(of_date) if line.get("filter", "none") == filtered]
    older = sorted(path.parent.glob(f"*_{task}.jsonl"))
    if len(older) != 1 or older[0].name.startswith("samples_"):
        return []
    lines = _ordered(older[0])  # which do not say their filter
    return lines if len({line["doc_id"] for line in lines}) == len(lines) else []


def _items_of(content: Mapping[str, Any], task: str, samples: int, path: Path) -> int:
    """Return how many items lm-eval's result of a task is the mean of."""
    if (counts := content.get("n-samples")) is not None:
        own = _mapping(_value(_mapping(counts, "n-samples", path), task, path), f"n-samples.{task}", path)
        return _count(own, "effective", path)
    if samples:
        return samples
    raise FlexmoreError(
        f"{path}: no key 'n-samples', which lm-eval writes from 0.4.3 on, and no samples of {task} beside it: how many "
        "items its score is the mean of is unknown; evaluate with a newer lm-eval, or with --log_samples"
    )


def _result(task: str, score: float, stderr: Any, n: int, items: Sequence[float], source: str) -> Result:
    """Return a result; a standard error that is not given comes from the items, else from the score as a proportion."""
    if not isinstance(stderr, int | float):
        mean = math.fsum(items) / len(items) if items else score
        squares = math.fsum((item - mean) ** 2 for item in items) if items else n * score * (1 - score)
        stderr = math.sqrt(max(squares, 0.0) / (n - 1) / n) if n > 1 else math.nan
    return Result(task, score, float(stderr), n, tuple(items), source)


def _note_model(content: Mapping[str, Any], path: Path, models: dict[str, Path]) -> None:
    """Note which model a file is of, where it says so."""
    config = content.get("config")
    given = {**(config if isinstance(config, Mapping) else {}), **content}
    if told := [str(given[key]) for key in _MODEL if given.get(key)]:
        models.setdefault(told[0], path)


def _ordered(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines, or of one JSON list, by `doc_id`; none where there is no file."""
    if not path.is_file():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        whole = text.lstrip().startswith("[")
        found = json.loads(text) if whole else [json.loads(line) for line in text.split("\n") if line.strip()]
        return sorted(found, key=lambda line: int(line["doc_id"]))
    except (ValueError, KeyError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise FlexmoreError(
            f"{path}: not a line of JSON with a doc_id for each item ({what}); write it again"
        ) from None


def _mapping(value: Any, key: str, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise FlexmoreError(f"{path}: {key}: found {type(value).__name__}, expected keys and values")
    return value


def _value(content: Mapping[str, Any], key: str, path: Path) -> Any:
    if key not in content:
        found = ", ".join(sorted(map(str, content))[:20]) or "nothing"
        raise FlexmoreError(f"{path}: no key {key!r}, which OLMES and lm-eval write; found {found}")
    return content[key]


def _count(content: Mapping[str, Any], key: str, path: Path) -> int:
    value = _value(content, key, path)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 1 or value != int(value):
        raise FlexmoreError(f"{path}: {key}: found {value!r}, expected a number of items")
    return int(value)


def _number(metrics: Mapping[str, Any], metric: str, path: Path) -> float:
    """Return the value of a metric, which must be a number."""
    if not isinstance(metrics.get(metric), int | float):
        numbers = sorted(key for key, value in metrics.items() if isinstance(value, int | float))
        raise FlexmoreError(f"{path}: no number {metric!r}, the suite's metric; found {', '.join(numbers)}")
    return float(metrics[metric])
