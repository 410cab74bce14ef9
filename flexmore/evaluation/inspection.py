"""Items of a task for a person: what a mixture was asked, what it answered, what was parsed from it, right or wrong."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

from flexmore.config.evaluation import EvaluateSettings
from flexmore.errors import FlexmoreError
from flexmore.evaluation.results.answers import read_answers
from flexmore.evaluation.results.scores import ANSWERS
from flexmore.evaluation.suite import Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask, Question
from flexmore.files import read_json

FIRST = 3
"""How many items are shown if none are named."""


def show_items(
    suite: Suite, scores: Path, mixture: str, task: str, settings: EvaluateSettings, items: str | None = None
) -> str:
    """Return the items of one task as one mixture answered them, as text for a person.

    Args:
        suite: the study's suite.
        scores: the folder of the scores of the mixture's sweep.
        settings: those that the sweep was evaluated with.
        items: numbers from 0 in the documents' order, such as `0-4,17`; None: the first few.

    Raises:
        FlexmoreError: the suite has no such task, or the task no such item; the mixture has not been evaluated, or the
            suite has changed since.
    """
    chosen = suite.select([task])
    answers = read_answers(scores / f"{mixture}{ANSWERS}", task)
    [info] = chosen.index
    loaded = load_task(open_tasks(chosen.folder), info, settings.seed, chosen.datasets)
    prepared = PreparedTask(info, loaded, settings.limit, settings.sampling)
    if prepared.content != answers["content"]:
        raise FlexmoreError(
            f"{scores}: the answers to {task} belong to other prompts or documents than the suite has now; "
            "evaluate the sweep again"
        )
    record = read_json(scores / f"{mixture}.json")["tasks"][task]
    numbers = range(min(FIRST, prepared.n)) if items is None else parse_items(items, prepared.n)
    return "\n\n".join([_heading(mixture, task, record), *_items(prepared, record, answers, numbers)])


def parse_items(text: str, n: int) -> list[int]:
    """Read numbers below `n` from text such as `0-4,17`.

    Raises:
        FlexmoreError: the text is of another form, or a number is too large.
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


def _heading(mixture: str, task: str, record: Mapping[str, Any]) -> str:
    told = f"{mixture} on {task}: {record['metric']} {record['score']:.4f} over {record['n']} items"
    if record["unread"]:
        told += f"\n{record['unread']} answers are unread (empty, or none found in them): wrong"
    if record["cut"]:
        told += f"\n{record['cut']} prompts did not fit the context and were cut"
    return told


def _items(
    prepared: PreparedTask, record: Mapping[str, Any], answers: Mapping[str, Any], numbers: Sequence[int]
) -> Iterator[str]:
    for number in numbers:
        question = prepared.question(number)
        value = record["items"][number]
        verdict = {1.0: "right", 0.0: "wrong"}.get(value, f"{value}")
        prompt = indent(question.prompt, "  | ")
        yield "\n".join([f"item {number}: {verdict}", prompt, *_answer(question, answers, number)])


def _answer(question: Question, answers: Mapping[str, Any], number: int) -> Iterator[str]:
    if texts := answers.get("texts"):
        yield f"  generated {texts[number]!r}"
        yield f"  parsed    {answers['parsed'][number]!r}"
        yield f"  expected  {question.target!r}"
        return
    if not (given := answers["loglikelihoods"]):
        return
    highest = max(given[number])
    for choice, (text, value) in enumerate(zip(question.continuations, given[number], strict=False)):
        marks = f"{'>' if value == highest else ' '}{'=' if question.target in (choice, text.strip()) else ' '}"
        yield f"  {marks} {value:10.4f}  {text!r}"
