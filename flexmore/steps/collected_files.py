"""The files that `collect` reads: when all of them are there, a study is complete."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import SOURCE, evaluated_with, suite_identity
from flexmore.files import read_json
from flexmore.mixtures.grid import sweeps
from flexmore.mixtures.recipe import Recipe
from flexmore.suites.study_suite import tasks_of


def score_files(study: Study) -> dict[str, Path]:
    """Return the file of each mixture's scores, by mixture."""
    folder = study.paths.scores
    return {m.name: folder(sweep.name) / f"{m.name}.json" for sweep in sweeps(study) for m in sweep.mixtures}


def check_evaluated(study: Study, files: Mapping[str, Path], recipes: Iterable[Recipe]) -> None:
    """Check that scores are those of this study: of its weights, settings and suite.

    Args:
        files: of each mixture's scores; one that is not there, or holds no scores, is left to who reads it.

    Raises:
        FlexmoreError: one was evaluated otherwise; the message says how.
    """
    paths = study.paths
    datasets = paths.datasets if study.suite.source == "paper" else None
    wanted = evaluated_with(suite_identity(paths.suite, datasets), study.evaluate)
    if not (paths.suite / SOURCE).is_file():  # removed since; what it was cannot be told
        del wanted["suite"]
    tasks = {task.task for task in tasks_of(study)}
    for recipe in recipes:
        path = files.get(recipe.mixture.name)
        content = read_json(path) if path is not None and path.is_file() else None
        if isinstance(content, dict) and (found := _otherwise(content, recipe, wanted, tasks)):
            raise FlexmoreError(
                f"{path}: {found}; evaluate it again (snakemake --cores all --forcerun evaluate): it computes what "
                "the cache does not have"
            )


def _otherwise(
    content: Mapping[str, Any], recipe: Recipe, wanted: Mapping[str, Any], tasks: Collection[str]
) -> str | None:
    """Return how a file of scores was evaluated otherwise than it should have been; None where it was not."""
    if content.get("fingerprint") != recipe.fingerprint:
        return "scores of other weights than those of the mixture's recipe"
    found = content.get("evaluated_with", {})
    for key, value in wanted.items():
        if key not in found:
            return f"it does not say with which {key} it was evaluated"
        if found[key] != value:
            return f"evaluated with {key} {json.dumps(found[key])}, this study has {json.dumps(value)}"
    if more := sorted(set(found) - {*wanted, "suite"}):
        return f"evaluated with {more[0]} {json.dumps(found[more[0]])}, which is not this study's"
    if others := sorted(set(content.get("tasks", ())) - set(tasks)):
        return f"evaluated on {len(others)} tasks that this study does not have, first {others[0]}"
    return None


def adapter_files(study: Study, experts: Iterable[str]) -> list[Path]:
    """Return the files that say what each of the experts keeps and costs at each rank."""
    ranks = (*study.ladder, *study.extra_ranks)
    return [study.paths.adapters(name) / f"r{rank}.json" for name in experts for rank in ranks]
