"""Import results of other evaluators, OLMES and lm-eval, into the tidy table; a folder holds those of one model.

OLMES writes `task-NNN-<task>-metrics.json` and beside it `...-predictions.jsonl`; lm-eval `results_<date>.json` and,
with `--log_samples`, `samples_<task>_<date>.jsonl`. Tasks are matched to the suite's by
name, without OLMES' variants (`:mc`, `::olmes`). A task's score is that of the suite's primary metric, whichever metric
the other evaluator calls primary.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from flexmore.analysis.tables.columns import COLUMNS, ITEM_COLUMNS
from flexmore.analysis.tables.scores import typed
from flexmore.analysis.tables.storage import read_table, write_csv, write_parquet
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.experts.study_sizes import sizes_of
from flexmore.files import read_json
from flexmore.mixtures.grid import find_mixture
from flexmore.mixtures.parameters import count_parameters, effective_rank
from flexmore.suites.study_suite import tasks_of

OWN = "flexmore"
"""The `source` of rows that this package evaluated."""
_OLMES_METRICS = {"acc": "acc_raw"}
_OLMES_TASKS = {"naturalqs_open": "naturalqs"}


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


def import_results(study: Study, folder: Path, mixture: str, out: Path) -> str:
    """Put one model's results into `out`/tables/ as the rows of a mixture, in the place of its earlier rows.

    `out`/tables/ may hold the tables of a study, or of earlier imports, or nothing. The column `source` says where a
    row comes from, `versions.csv` how many mixtures come from each; a report on a table that mixes sources says so.

    Args:
        mixture: whose results they are; one of the study's.

    Returns:
        A line that says which tasks were imported, and how many are missing.

    Raises:
        FlexmoreError: there are no results, a task has two, a score is outside 0..1, or the suite's metric is missing.
    """
    infos = {info.task: info for info in tasks_of(study)}
    found: dict[str, Result] = {}
    for result in (*_olmes(folder, infos), *_lm_eval(folder, infos)):
        if result.task in found:
            raise FlexmoreError(f"{folder}: {result.task} has two results; keep one run of each task")
        if not 0 <= result.score <= 1:
            raise FlexmoreError(f"{folder}: {result.task} scores {result.score}; expected 0 to 1")
        found[result.task] = result
    if not found:
        raise FlexmoreError(
            f"{folder}: no results of any of the suite's {len(infos)} tasks; expected OLMES' task-*-metrics.json or "
            "lm-eval's results_*.json"
        )
    about = _about(study, mixture)
    results = [found[task] for task in infos if task in found]
    _merge(out / "tables", about, results, infos)
    lacking = [task for task in infos if task not in found]
    told = f"; {len(lacking)} of the suite are not there, first {lacking[0]}" if lacking else ""
    return f"{mixture}: {len(found)} tasks from {', '.join(sorted({r.source for r in results}))}{told}"


def _olmes(folder: Path, infos: Mapping[str, TaskInfo]) -> Iterator[Result]:
    """Yield the results that OLMES wrote."""
    for path in sorted(folder.rglob("task-*-metrics.json")):
        content = read_json(path)
        name = str(content["task_name"]).partition(":")[0].replace("-", "_").replace("agi_eval_", "agieval_")
        info = infos.get(_OLMES_TASKS.get(name, name))
        if info is None:
            continue
        metric = _OLMES_METRICS.get(info.metric, info.metric)
        lines = _lines(path.with_name(path.name.replace("-metrics.json", "-predictions.jsonl")))
        items = [_number(line["metrics"], metric, path) for line in sorted(lines, key=lambda line: line["doc_id"])]
        score = _number(content["metrics"], metric, path)
        yield _result(info.task, score, None, int(content["num_instances"]), items, "OLMES")


def _lm_eval(folder: Path, infos: Mapping[str, TaskInfo]) -> Iterator[Result]:
    """Yield the results that lm-eval wrote."""
    for path in sorted(folder.rglob("results_*.json")):
        content, date = read_json(path), path.stem.removeprefix("results_")
        source = f"lm-eval {content.get('lm_eval_version', 'of an unknown version')}"
        for task, metrics in content["results"].items():
            if (info := infos.get(task)) is None:
                continue
            metric, _, filtered = info.metric.partition(",")
            key = next((k for k in metrics if k.split(",")[0] == metric and filtered in ("", k.split(",")[1])), metric)
            lines = _lines(path.with_name(f"samples_{task}_{date}.jsonl"))
            own = [line for line in lines if line.get("filter", "none") == key.partition(",")[2]]
            items = [_number(line, metric, path) for line in sorted(own, key=lambda line: line["doc_id"])]
            stderr = metrics.get(key.replace(metric, f"{metric}_stderr", 1))
            n = content["n-samples"][task]["effective"]
            yield _result(task, _number(metrics, key, path), stderr, int(n), items, source)


def _result(task: str, score: float, stderr: Any, n: int, items: Sequence[float], source: str) -> Result:
    """Return a result; a standard error that is not given comes from the items, else from the score as a proportion."""
    if not isinstance(stderr, int | float):
        mean = math.fsum(items) / len(items) if items else score
        squares = math.fsum((item - mean) ** 2 for item in items) if items else n * score * (1 - score)
        stderr = math.sqrt(squares / (n - 1) / n) if n > 1 else math.nan
    return Result(task, score, float(stderr), n, tuple(items), source)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines file; none where there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def _number(metrics: Mapping[str, Any], metric: str, path: Path) -> float:
    """Return the value of a metric, which must be a number."""
    if not isinstance(metrics.get(metric), int | float):
        numbers = sorted(key for key, value in metrics.items() if isinstance(value, int | float))
        raise FlexmoreError(f"{path}: no number {metric!r}, the suite's metric; found {', '.join(numbers)}")
    return float(metrics[metric])


def _about(study: Study, name: str) -> dict[str, Any]:
    """Return the columns that are the same in every row of a mixture."""
    mixture, sizes = find_mixture(study, name), sizes_of(study)
    ranks = mixture.ranks
    rank = str(effective_rank(ranks[0], sizes)) if mixture.rank.isdigit() and ranks else mixture.rank
    if mixture.selected:
        raise FlexmoreError(f"{name}: its ranks are chosen from the pairs' scores; name one with fixed ranks")
    parameters = count_parameters(sizes, dict(zip(mixture.experts, ranks, strict=True)), mixture.active)["total"]
    told = {"mixture": name, "kind": mixture.kind, "experts": "+".join(mixture.experts), "rank": mixture.rank}
    return told | {"effective_rank": rank, "active": mixture.active, "parameters": parameters}


def _merge(tables: Path, about: Mapping[str, Any], results: Sequence[Result], infos: Mapping[str, TaskInfo]) -> None:
    """Write the tables with these rows in the place of the mixture's earlier ones."""
    name = about["mixture"]
    rows = [
        {**about, "group": infos[r.task].group, "domain": infos[r.task].domain or "", "task": r.task}
        | {"metric": infos[r.task].metric, "score": r.score, "stderr": r.stderr, "n": r.n, "source": r.source}
        for r in results
    ]
    scores = typed(_others(tables / "scores.parquet", name, rows)).fillna({"source": OWN})[[*COLUMNS, "source"]]
    items = [{"mixture": name, "task": r.task, "items": list(r.items)} for r in results if r.items]
    write_parquet(tables / "scores.parquet", scores)
    write_csv(tables / "scores.csv", scores)
    write_parquet(tables / "items.parquet", _others(tables / "items.parquet", name, items)[list(ITEM_COLUMNS)])
    write_csv(tables / "versions.csv", _versions(tables / "versions.csv", scores))


def _others(path: Path, mixture: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a table with these rows in the place of the mixture's earlier ones."""
    own = pd.DataFrame(rows) if rows else pd.DataFrame(columns=["mixture"])
    if not path.is_file():
        return own if rows else pd.DataFrame(columns=list(ITEM_COLUMNS))
    table = read_table(path)
    return pd.concat([table[table["mixture"] != mixture], own], ignore_index=True)


def _versions(path: Path, scores: pd.DataFrame) -> pd.DataFrame:
    """Return the versions that the table had, with the number of mixtures from each source."""
    there = read_table(path) if path.is_file() else pd.DataFrame(columns=["what", "version", "mixtures"])
    counts = scores.groupby("source")["mixture"].nunique()
    sources = pd.DataFrame({"what": "source", "version": list(counts.index), "mixtures": list(counts)})
    return pd.concat([there[there["what"] != "source"], sources], ignore_index=True)
