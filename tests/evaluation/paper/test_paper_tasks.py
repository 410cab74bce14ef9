"""Each of the 120 tasks on made-up rows: what it asks, and what right, wrong and malformed answers are worth."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import Dataset
from paper_rows import ASKED, INDEX, tasks_of
from tiny_suite import build_model, build_tokenizer

from flexmore.evaluation.engine.lm import MixtureLM
from flexmore.evaluation.olmes import letters
from flexmore.evaluation.olmes.bbh import worked_examples
from flexmore.evaluation.suite import PAPER_SUITE, Suite
from flexmore.evaluation.tasks.loading import load_task, open_tasks
from flexmore.evaluation.tasks.prepared import PreparedTask

Prepared = dict[str, PreparedTask]
LETTERED = [info.task for info in INDEX if info.output_type == "multiple_choice"]
GOLD: dict[str, Callable[[int], int]] = {
    "boolq": lambda i: 1 - i % 2,
    "csqa": lambda i: i % 5,
    "piqa": lambda i: i % 2,
    "socialiqa": lambda i: i % 3,
    "winogrande": lambda i: i % 2,
    "MMLU-Pro": lambda i: i % 3,
}
"""Which choice of the made-up row `asked i` is right, where it is not the i-th of four."""


def test_the_index_is_that_of_the_paper() -> None:
    groups = {group: len(tasks_of(group)) for group in dict.fromkeys(info.group for info in INDEX)}
    assert groups == {"MC9": 9, "Gen5": 5, "MMLU": 57, "MMLU-Pro": 14, "AGIEval": 8, "BBH": 27}
    assert sorted(open_tasks(PAPER_SUITE).all_subtasks) == sorted(info.task for info in INDEX)
    published = Suite.read(PAPER_SUITE).index
    rows = {group: sum(info.n for info in published if info.group == group) for group in groups}
    totals = {"MMLU": 14_042, "MMLU-Pro": 12_032, "AGIEval": 2_646, "BBH": 6_511}
    assert {group: rows[group] for group in totals} == totals


def test_every_task_shows_as_many_shots_as_the_index_says(prepared: Prepared) -> None:
    for info in INDEX:
        prompt = prepared[info.task].requests[0].args[0]
        assert prompt.count("\nAnswer:") == info.num_fewshot + 1, info.task
        assert info.num_fewshot == {"AGIEval": 1, "BBH": 3}.get(info.group, 0 if info.task == "coqa" else 5)


@pytest.mark.parametrize("name", LETTERED)
def test_letters_are_scored_by_the_likeliest(prepared: Prepared, name: str) -> None:
    task = prepared[name]
    gold_of = GOLD.get(name) or GOLD.get(task.info.group) or (lambda i: i % 4)
    gold = [gold_of(i) for i in range(task.n)]
    choices = [sum(request.doc_id == i for request in task.requests) for i in range(task.n)]

    def answers(score: Callable[[int, bool], float]) -> list[tuple[float, bool]]:
        return [(score(letter, letter == gold[i]), False) for i in range(task.n) for letter in range(choices[i])]

    assert set(task.score(answers(lambda letter, right: -1.0 if right else -2.0 - letter)).items) == {1}
    assert set(task.score(answers(lambda letter, right: -9.0 if right else -1.0 - letter)).items) == {0}
    unsure = task.score(answers(lambda letter, right: -3.0)).items  # no letter is likelier: the first one counts
    assert unsure == tuple(float(right == 0) for right in gold)


@pytest.mark.parametrize("name", tasks_of("BBH"))
def test_the_answer_is_read_out_of_a_solution(prepared: Prepared, name: str) -> None:
    task = prepared[name]
    right = [
        sample["target"].rsplit("answer is ", 1)[1].rstrip(".") for sample in worked_examples()[name[4:]]["samples"]
    ]
    wrong = ["Z" if answer.startswith("(") else "-7" for answer in right]

    def items(form: str, answers: list[str]) -> tuple[float, ...]:
        return task.score([form.format(answer) for answer in answers]).items

    assert items(" \nStep by step. So the answer is {}.", right) == (1, 1, 1)
    stated = task.score([f"So the answer is {answer}." for answer in right]).others
    assert stated == {"exact_match_stated": (1.0, 0.0)}
    assert items("So the answer is {}.", wrong) == (0, 0, 0)
    assert items("{}", ["", "???", "..."]) == (0, 0, 0)


WORDS: list[tuple[str, int, str, float, float]] = [  # task, item, what the model says, exact match, F1
    ("coqa", 0, " the answer 0", 1, 1),
    ("coqa", 0, "Answer 0 it was!", 1, 1),  # another annotator's
    ("coqa", 0, "answer", 0, 2 / 3),
    ("coqa", 1, " Ann did", 1, 1),  # the second turn
    ("coqa", 1, " she", 1, 1),
    ("coqa", 1, "", 0, 0),
    ("squad", 1, " answer 1", 1, 1),  # articles do not count
    ("squad", 1, "answer 1 in full", 1, 1),
    ("squad", 1, "it is answer 1 perhaps", 0, 4 / 7),
    ("squad", 1, "two", 0, 0),
    ("squad", 1, "\n", 0, 0),
    ("triviaqa", 2, " Loch 2.", 1, 1),
    ("triviaqa", 2, "Lake two", 0, 1 / 2),
    ("triviaqa", 2, "", 0, 0),
    ("naturalqs", 1, " 1 dogs", 1, 1),
    ("naturalqs", 1, "the 1.0 Cats", 1, 1),  # numbers in one way of writing
    ("naturalqs", 1, "two cats", 0, 0),  # another number: nothing else counts
    ("naturalqs", 1, "", 0, 0),
    ("drop", 0, " 3,500", 1, 1),
    ("drop", 0, "3500", 1, 1),
    ("drop", 0, "one more", 1, 1),  # another annotator's
    ("drop", 0, "3500 yards", 0, 0.67),
    ("drop", 1, " 4 May 1821", 1, 1),
    ("drop", 1, "May 4", 0, 0.8),
    ("drop", 2, " Lions", 0, 0.5),  # one span of two
    ("drop", 2, "7", 1, 1),
    ("drop", 2, "", 0, 0),
]


@pytest.mark.parametrize(("name", "item", "said", "exact", "f1"), WORDS)
def test_words_are_scored_by_exact_match_and_f1(
    prepared: Prepared, name: str, item: int, said: str, exact: float, f1: float
) -> None:
    task = prepared[name]
    score = task.score([said if request.doc_id == item else "" for request in task.requests])
    assert score.items[item] == exact
    assert score.others["f1"][0] * len(score.items) == pytest.approx(f1)


@pytest.fixture(scope="module")
def engine() -> MixtureLM:
    tokenizer = build_tokenizer("words")
    return MixtureLM(build_model(tokenizer, context=2048), tokenizer, batch_tokens=2048)


@pytest.mark.parametrize("name", [info.task for info in INDEX])
def test_the_engine_answers_it(prepared: Prepared, engine: MixtureLM, name: str) -> None:
    task = prepared[name]
    requests = task.requests
    if task.kind == "generate_until":  # a long solution of random words would tell no more
        requests = [replace(r, arguments=(r.args[0], {**r.args[1], "max_gen_toks": 2})) for r in requests]
    answers = engine.respond(engine.prepare(task.kind, requests))
    score = task.score(answers)
    assert len(score.items) == task.info.n
    assert 0 <= score.score <= 1


def test_items_about_the_same_passage_are_a_cluster(prepared: Prepared) -> None:
    about_passages = {"boolq", "socialiqa", "squad", "drop", "coqa", *tasks_of("AGIEval")}
    assert {name for name, task in prepared.items() if task.clusters} == about_passages
    turns = prepared["coqa"].clusters or ()
    assert len(turns) == 2 * ASKED
    assert turns[0::2] == turns[1::2]  # two turns of a conversation
    assert len(set(turns)) == ASKED
    for name in about_passages - {"coqa"}:
        assert len(set(prepared[name].clusters or ())) == prepared[name].n, name
    assert prepared["agieval_lsat_rc"].clusters == prepared["agieval_sat_en"].clusters  # the same made-up passages
    assert prepared["agieval_sat_math"].clusters == prepared["agieval_aqua_rat"].clusters  # questions without one
    assert prepared["agieval_sat_math"].clusters != prepared["agieval_sat_en"].clusters


def test_the_labels_of_options_are_removed() -> None:
    options = ["(A)a (B)", " B. b", "C? c", "Dad", "E e"]
    row = {"passage": None, "question": "Which  one?", "options": options, "label": "D"}
    [item] = letters.agieval(Dataset.from_list([row]))
    assert item["query"] == "Question: Which  one?\n A. a (B)\n B. b\n C. c\n D. Dad\n E. e\nAnswer:"
    assert (item["gold"], item["passage"]) == (3, "Which one?")


def test_the_sample_is_that_of_olmes(hub: Path) -> None:
    info = next(info for info in INDEX if info.task == "coqa")
    task = PreparedTask(info, load_task(open_tasks(PAPER_SUITE), info, 1234), 4, "olmes")
    asked = [(row, turn) for row in range(ASKED) for turn in range(2)]
    drawn = random.Random(1234).sample(asked, 4)
    assert [_turn(request.args[0]) for request in task.requests] == drawn != asked[:4]
    assert len(PreparedTask(info, load_task(open_tasks(PAPER_SUITE), info, 1234), 99, "olmes").requests) == len(asked)


def _turn(prompt: str) -> tuple[int, int]:
    return int(prompt.split("It was asked ")[1][0]), int("Preceding" in prompt)
