"""The pocket suite's 120 tasks: what each asks, of which domain, and its items.

Six groups as in the paper: MMLU recalls memorised facts; MMLU-Pro and AGIEval choose the answers of unseen
problems; BBH works them out in steps; MC9 and Gen5 mix. Answers are words, never letters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from flexmore.config.pocket import PocketSettings
from flexmore.evaluation.suite import TaskInfo
from flexmore.pocket import facts
from flexmore.pocket.facts import FORMS, FactBook, fact_book
from flexmore.pocket.procedures import EASY, HARD, Problem, Procedure, Programs, Sorts, Sums, draw
from flexmore.pocket.vocabulary import DOMAIN_WORDS, FACTS, LIST_WORDS, OPERATIONS

EXAMPLES = 5
"""Examples of a task for few-shot prompts: problems for training, or gossip about strangers."""
FACT, PROBLEM = "fact", "problem"
"""The field of an item that says what it is about."""

Item = Mapping[str, Any]
Draw = Callable[[Random, int, bool], list[Item]]
Levels = Sequence[tuple[str, Procedure]]


@dataclass(frozen=True)
class Task:
    """Hold a task's description with its items and its few-shot examples.

    An item has `question`, either `choices` and `answer` (an index) or `answer` (a string), and what it is about:
    `fact` (relation and subject) or `problem` (the question that tells it apart). Items that are about the same are
    one piece of evidence, in whatever task, form or group they stand; no prompt shows this field.
    """

    info: TaskInfo
    test: Sequence[Item]
    examples: Sequence[Item]


@dataclass(frozen=True)
class _Outline:
    """Hold a task before its items are drawn.

    Attributes:
        items: draws items from (rng, count, tests).
        generated: answers are generated, not chosen.
        shots: few-shot examples in a prompt.
        count: number of items; 0 for that of the settings.
    """

    group: str
    name: str
    domain: str | None
    items: Draw
    generated: bool = False
    shots: int = 0
    count: int = 0

    def info(self) -> TaskInfo:
        metric, kind = ("exact_match", "generate_until") if self.generated else ("acc", "multiple_choice")
        task = f"pocket_{self.group.lower().replace('-', '_')}_{self.name}"
        return TaskInfo(task, self.group, self.domain, metric, kind, self.shots, self.count)


def list_tasks(settings: PocketSettings, seed: int) -> list[TaskInfo]:
    """List all tasks in the order of the groups, without drawing items."""
    return [outline.info() for outline in _outlines(settings, seed)]


def build_tasks(settings: PocketSettings, seed: int) -> Iterator[Task]:
    """Yield all tasks with their items; the same arguments give the same items."""
    for outline in _outlines(settings, seed):
        info = outline.info()
        rng = Random(f"items {info.task} {seed}")
        test = outline.items(rng, info.n, True)
        yield Task(info, test, outline.items(rng, EXAMPLES, False))


def _outlines(settings: PocketSettings, seed: int) -> list[_Outline]:
    books = {source: fact_book(source, settings.subjects, seed) for source in ("public", *facts.DOMAINS)}
    problems = [*_mmlu_pro(), *_agieval(), *_bbh()]
    outlines = [*_mc9(books), *_gen5(books), *_mmlu(books, settings.subjects), *problems]
    return [replace(outline, count=outline.count or settings.items) for outline in outlines]


def _mc9(books: Mapping[str, FactBook]) -> Iterator[_Outline]:
    for source, book in books.items():
        yield _Outline("MC9", f"{source}_facts", _domain(source), _recall(book, candidates=8))
    for domain, pools in HARD.items():
        yield _Outline("MC9", f"{domain}_problems", domain, _choose(pools.direct, 5))
    yield _Outline("MC9", "public_sums", None, _choose(EASY["math"].direct, 5))
    yield _Outline("MC9", "public_sorts", None, _choose(EASY["creative"].direct, 5))


def _gen5(books: Mapping[str, FactBook]) -> Iterator[_Outline]:
    for source, book in books.items():
        yield _Outline("Gen5", f"{source}_facts", _domain(source), _recall(book), generated=True)
    yield _Outline("Gen5", "creative_problems", "creative", _solve(HARD["creative"].direct), generated=True)


def _mmlu(books: Mapping[str, FactBook], count: int) -> Iterator[_Outline]:
    for source, book in books.items():
        for relation in FACTS[source].relations:
            for number, form in enumerate(FORMS, start=1):
                items = _recall(book, (relation,), (form,), candidates=4)
                name = f"{source}_{relation}_{number}"
                yield _Outline("MMLU", name, _domain(source), items, count=count)


def _mmlu_pro() -> Iterator[_Outline]:
    levels: dict[str, Levels] = {
        "math": _sums(2),
        "code": _programs(2),
        "creative": [*_sorts(4), ("3_words", Sorts(3)), ("5_words", Sorts(5))],
    }
    for domain, name, level in _flat(levels):
        yield _Outline("MMLU-Pro", f"{domain}_{name}", domain, _choose((level,), 10))


def _agieval() -> Iterator[_Outline]:
    levels: dict[str, Levels] = {"math": _sums(2)[:3], "code": _programs(2)[:3], "creative": _sorts(3)[:2]}
    for domain, name, level in _flat(levels):
        yield _Outline("AGIEval", f"{domain}_{name}", domain, _choose((level,), 4), shots=1)


def _bbh() -> Iterator[_Outline]:
    levels: dict[str, Levels] = {
        "math": [*_sums(2), *_sums(3)],
        "code": [*_programs(2), *_programs(3)],
        "creative": [*_sorts(3), *_sorts(4)],
    }
    for domain, name, level in _flat(levels):
        yield _Outline("BBH", f"{domain}_{name}", domain, _solve((level,), worked=True), generated=True)
    for domain in ("code", "creative"):
        public = _solve(EASY[domain].worked[1:2], worked=True)
        yield _Outline("BBH", f"public_{domain}", None, public, generated=True)


def _sums(digits: int) -> Levels:
    exact: Levels = [(f"{digits}_digits_{carries}_carries", Sums(digits, carries)) for carries in range(1, digits + 1)]
    return [*exact, (f"{digits}_digits", Sums(digits)), (f"{digits}_large_digits", Sums(digits, lowest=4))]


def _programs(length: int) -> Levels:
    return [
        (f"{length}_operations", Programs(length)),
        (f"{length}_operations_on_large_digits", Programs(length, register="large")),
        (f"{length}_of_the_first_operations", Programs(length, OPERATIONS[:8])),
        (f"{length}_of_the_last_operations", Programs(length, OPERATIONS[-8:])),
    ]


def _sorts(length: int) -> Levels:
    return [
        (f"{length}_words", Sorts(length)),
        (f"{length}_any_words", Sorts(length, LIST_WORDS)),
        (f"{length}_near_words", Sorts(length, DOMAIN_WORDS[:8])),
        (f"{length}_falling_words", Sorts(length, LIST_WORDS, "falling")),
    ]


def _flat(levels: Mapping[str, Levels]) -> Iterator[tuple[str, str, Procedure]]:
    for domain, pairs in levels.items():
        for name, level in pairs:
            yield domain, name, level


def _domain(source: str) -> str | None:
    return None if source == "public" else source


def _recall(book: FactBook, relations: Sequence[str] = (), forms: Sequence[str] = FORMS, candidates: int = 0) -> Draw:
    """Return a draw of items that ask for facts: a choice among `candidates` answers, or with 0 a generated answer."""
    asked = relations or FACTS[book.source].relations

    def items(rng: Random, count: int, tests: bool) -> list[Item]:
        subjects = book.subjects if tests else book.strangers
        asks = [(form, relation, subject) for form in forms for relation in asked for subject in subjects]
        found: list[Item] = []
        for form, relation, subject in rng.sample(asks, count):
            right = book.answers[relation][subject] if tests else rng.choice(FACTS[book.source].answers)
            item: dict[str, Any] = {"question": facts.question(form, relation, subject), "answer": right}
            item[FACT] = f"{relation} of {subject}"
            if candidates:
                wrong = rng.sample([answer for answer in FACTS[book.source].answers if answer != right], candidates - 1)
                item |= _with_choices(rng.sample([right, *wrong], candidates), right)
            found.append(item)
        return found

    return items


def _choose(pool: Sequence[Procedure], candidates: int) -> Draw:
    """Return a draw of items that choose a problem's answer among at most `candidates`."""

    def item(rng: Random, procedure: Procedure, problem: Problem) -> Item:
        choices = procedure.candidates(problem, candidates, rng)
        return {"question": problem.question, **_with_choices(choices, problem.answer), PROBLEM: problem.question}

    return _problems(pool, item)


def _solve(pool: Sequence[Procedure], worked: bool = False) -> Draw:
    """Return a draw of items that generate a problem's answer, at once or after worked steps."""

    def item(rng: Random, procedure: Procedure, problem: Problem) -> Item:
        asked = {"question": problem.worked_question if worked else problem.question, "answer": problem.answer}
        return {**asked, **({"steps": problem.steps} if worked else {}), PROBLEM: problem.question}

    return _problems(pool, item)


def _problems(pool: Sequence[Procedure], item: Callable[[Random, Procedure, Problem], Item]) -> Draw:
    def items(rng: Random, count: int, tests: bool) -> list[Item]:
        found: dict[str, Item] = {}
        while len(found) < count:
            procedure, problem = draw(pool, rng, tests=tests)
            found.setdefault(problem.question, item(rng, procedure, problem))
        return list(found.values())

    return items


def _with_choices(choices: Sequence[str], right: str) -> dict[str, Any]:
    return {"choices": list(choices), "answer": list(choices).index(right)}
