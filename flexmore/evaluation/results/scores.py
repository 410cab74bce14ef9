"""The files of a finished sweep: the scores of each mixture, and its answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flexmore.config.evaluation import EvaluateSettings
from flexmore.evaluation.results.answers import join_lines
from flexmore.evaluation.results.cache import ScoreCache
from flexmore.evaluation.results.versions import merge_versions
from flexmore.evaluation.sigterm import SigtermHandler
from flexmore.evaluation.suite import Suite, TaskInfo, evaluated_with, suite_identity
from flexmore.files import write_bytes, write_json
from flexmore.mixtures.recipe import Recipe

ANSWERS = ".answers.jsonl.gz"
"""`scores/<sweep>/<mixture>.answers.jsonl.gz`: a line for each task (`flexmore.evaluation.results.answers`)."""


def write_scores(
    recipes: Sequence[Recipe],
    suite: Suite,
    cache: ScoreCache,
    records: Mapping[tuple[str, str], Mapping[str, Any]],
    out: Path,
    settings: EvaluateSettings,
    sigterm: SigtermHandler,
) -> None:
    """Write `out/<mixture>.json` and its answers for each recipe.

    Args:
        settings: with which they were evaluated; the files say them, so that no table mixes several.
        records: all records of the cache that belong to them, by fingerprint and task.
        sigterm: makes SIGTERM wait until both files of a mixture are written.
    """
    evaluated = evaluated_with(suite_identity(suite.folder, suite.datasets), settings)
    for recipe in recipes:
        name, own = recipe.mixture.name, {info.task: records[recipe.fingerprint, info.task] for info in suite.index}
        answers = join_lines(cache.answers(recipe.fingerprint, task, record) for task, record in own.items())
        with sigterm.deferred():
            write_bytes(out / f"{name}{ANSWERS}", answers)
            write_json(out / f"{name}.json", _content(recipe, suite, own, evaluated), indent=None)


def write_known_scores(
    recipes: Sequence[Recipe],
    suite: Suite,
    records: Mapping[tuple[str, str], Mapping[str, Any]],
    out: Path,
    settings: EvaluateSettings,
) -> list[str]:
    """Write `out/<mixture>.json` with those tasks that there are records of, for each mixture that has any.

    `records` and `settings` are as for `write_scores`.

    Returns:
        The mixtures.
    """
    evaluated = evaluated_with(suite_identity(suite.folder, suite.datasets), settings)
    names = []
    for recipe in recipes:
        known = ((info.task, records.get((recipe.fingerprint, info.task))) for info in suite.index)
        if own := {task: record for task, record in known if record is not None}:
            names.append(recipe.mixture.name)
            write_json(out / f"{names[-1]}.json", _content(recipe, suite, own, evaluated), indent=None)
    return names


def _content(
    recipe: Recipe, suite: Suite, records: Mapping[str, Mapping[str, Any]], evaluated: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of `scores/<sweep>/<mixture>.json`."""

    def entry(info: TaskInfo) -> dict[str, Any]:
        named: dict[str, Any] = {"group": info.group, "domain": info.domain, "metric": info.metric}
        return {**named, **records[info.task]["result"]}

    return {
        "mixture": recipe.mixture.name,
        "fingerprint": recipe.fingerprint,
        "evaluated_with": dict(evaluated),
        "tasks": {info.task: entry(info) for info in suite.index if info.task in records},
        "versions": merge_versions(record["versions"] for record in records.values()),
    }
