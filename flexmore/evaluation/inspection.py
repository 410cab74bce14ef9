"""Items of a task for a person: what a mixture was asked, what it answered, what was read from it, right or wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent
from typing import Any

from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.answer_files import read_answers
from flexmore.evaluation.score_files import ANSWERS
from flexmore.evaluation.suite import load_task, open_tasks
from flexmore.evaluation.tasks import Asked, PreparedTask
from flexmore.files import read_json
from flexmore.mixtures.grid import find_mixture, sweeps
from flexmore.suites.study import open_suite

FIRST = 3
"""So many items are shown where none are named."""


def inspect(study: Study, mixture: str, task: str, items: str | None = None) -> str:
    """The items of one task as one mixture answered them.

    Args:
        items: numbers from 0 in the documents' order, such as `0-4,17`; None: the first few.

    Raises:
        FlexmoreError: no such mixture, task or item; it has not been evaluated, or the suite has changed since.
    """
    known = find_mixture(study, mixture)
    folder = study.paths.scores(next(sweep.name for sweep in sweeps(study) if known in sweep.mixtures))
    suite, settings = open_suite(study).select([task]), study.evaluate
    answers = read_answers(folder / f"{mixture}{ANSWERS}", task)
    loaded = load_task(open_tasks(suite.folder), task, settings.seed, suite.datasets)
    prepared = PreparedTask(suite.index[0], loaded, settings.limit, settings.sampling)
    if prepared.content != answers["content"]:
        raise FlexmoreError(
            f"{folder}: {task} was answered with other prompts or documents than the suite has now; evaluate again"
        )
    score = read_json(folder / f"{mixture}.json")["tasks"][task]
    numbers = range(min(FIRST, prepared.n)) if items is None else parse_items(items, prepared.n)
    return "\n\n".join([_head(mixture, task, score), *_items(prepared, score, answers, numbers)])


def parse_items(text: str, n: int) -> list[int]:
    """`0-4,17` as numbers below `n`.

    Raises:
        FlexmoreError: it is something else.
    """
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if found is None or int(found[1]) > int(found[2] or found[1]):
            raise FlexmoreError(f"--items: found {text!r}; expected numbers and ranges such as 0-4,17")
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
    if wrong := [number for number in numbers if number >= n]:
        raise FlexmoreError(f"--items: found {wrong[0]}; the task has the items 0 to {n - 1}")
    return numbers


def _head(mixture: str, task: str, score: Mapping[str, Any]) -> str:
    value = "no score" if score["score"] is None else f"{score['metric']} {score['score']:.4f}"
    alarm = f"\nquarantined: {score['alarm']}" if "alarm" in score else ""
    return f"{mixture} on {task}: {value} over {score['n']} items{alarm}"


def _items(
    prepared: PreparedTask, score: Mapping[str, Any], answers: Mapping[str, Any], numbers: Sequence[int]
) -> Iterator[str]:
    for number in numbers:
        asked = prepared.asked(number)
        value = score["items"][number] if score["items"] else None
        verdict = {None: "no answer", 1.0: "right", 0.0: "wrong"}.get(value, f"{value}")
        yield "\n".join([f"item {number}: {verdict}", indent(asked.prompt, "  | "), *_answer(asked, answers, number)])


def _answer(asked: Asked, answers: Mapping[str, Any], number: int) -> Iterator[str]:
    if texts := answers.get("texts"):
        yield f"  generated {texts[number]!r}"
        yield f"  parsed    {answers['parsed'][number]!r}"
        yield f"  expected  {asked.target!r}"
        return
    if not (given := answers["loglikelihoods"]):
        return
    highest = max(given[number])
    for choice, (text, value) in enumerate(zip(asked.continuations, given[number], strict=False)):
        marks = f"{'>' if value == highest else ' '}{'=' if asked.target in (choice, text.strip()) else ' '}"
        yield f"  {marks} {value:10.4f}  {text!r}"
