"""The suite: 120 tasks, as lm-eval itself reads them."""

import hashlib
import json
import logging
from collections import Counter, defaultdict

import pytest

from flexmore.config.names import POCKET_EXPERTS
from flexmore.config.pocket import PocketSettings
from flexmore.pocket.suite import write_suite
from flexmore.pocket.tasks import build_tasks, list_tasks
from flexmore.pocket.vocabulary import vocabulary

SETTINGS = PocketSettings()


@pytest.fixture(scope="module")
def tasks():
    return list(build_tasks(SETTINGS, 0))


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    write_suite(folder, SETTINGS, 0)
    return folder


@pytest.fixture(scope="module")
def loaded(suite, tmp_path_factory):
    from lm_eval.tasks import TaskManager

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    manager = TaskManager(include_path=str(suite), include_defaults=False)
    return manager.load([info.task for info in list_tasks(SETTINGS, 0)])["tasks"]


def test_groups_have_the_papers_numbers():
    infos = list_tasks(SETTINGS, 0)
    assert Counter(info.group for info in infos) == {
        "MC9": 9, "Gen5": 5, "MMLU": 57, "MMLU-Pro": 14, "AGIEval": 8, "BBH": 27,
    }  # fmt: skip
    assert len({info.task for info in infos}) == 120
    assert set(POCKET_EXPERTS) == {info.domain for info in infos} - {None}


def test_items_are_distinct_and_as_many_as_listed(tasks):
    for task in tasks:
        questions = {item["question"] for item in task.test}
        size = SETTINGS.subjects if task.info.group == "MMLU" else SETTINGS.items
        assert len(questions) == len(task.test) == task.info.n == size, task.info.task
        assert not questions & {item["question"] for item in task.examples}
        assert len(task.examples) == 5


def test_no_answer_of_a_relation_is_right_more_often_than_others(tasks):
    recalled = [task for task in tasks if task.info.group == "MMLU" and task.info.domain]
    assert len(recalled) == 39
    for task in recalled:
        counts = Counter(item["choices"][item["answer"]] for item in task.test)
        assert len(counts) == 16
        assert max(counts.values()) - min(counts.values()) == 1, task.info.task


def test_choices_are_distinct_words_and_right_answers_everywhere(tasks):
    for task in tasks:
        if task.info.output_type == "multiple_choice":
            places = Counter(item["answer"] for item in task.test)
            assert all(len(set(item["choices"])) == len(item["choices"]) > item["answer"] for item in task.test)
            assert max(places.values()) < 60, task.info.task


def _asked_about(tasks, domain):
    """Where each fact or problem of a domain is asked: (group, question) by what the item says that it is about."""
    where = defaultdict(set)
    for task in tasks:
        if task.info.domain == domain:
            for item in task.test:
                where[item.get("fact") or item["problem"]].add((task.info.group, item["question"]))
    return where


def test_a_fact_has_one_name_in_all_forms_tasks_and_groups(tasks):
    for source, facts in (("news", 60), ("reddit", 180), ("pes2o", 540)):
        where = _asked_about(tasks, source)
        assert len(where) == facts
        for fact, asked in where.items():
            relation, subject = fact.split(" of ")
            assert all({relation, subject} <= set(question.split()) for _, question in asked)
            assert len({question for group, question in asked if group == "MMLU"}) == 3
        assert {group for asked in where.values() for group, _ in asked} == {"MMLU", "MC9", "Gen5"}


def test_a_problem_has_one_name_whether_its_steps_are_asked_for_or_not(tasks):
    for domain in ("math", "code", "creative"):
        where = _asked_about(tasks, domain)
        several = [asked for asked in where.values() if len({group for group, _ in asked}) > 1]
        assert any(len({question for _, question in asked}) == 2 for asked in several), domain
        for problem, asked in where.items():
            given = problem.split("->")[0].split()[1:]
            assert all(question.split("->")[0].split()[1:] == given for _, question in asked)


def test_what_an_item_is_about_reaches_no_prompt(loaded):
    for name, task in loaded.items():
        about, document = task.config.metadata["cluster"], dict(task.test_docs()[0])
        shots = task.config.num_fewshot or 0
        asked = task.fewshot_context(document, shots)
        assert task.fewshot_context(document | {about: "nonsense"}, shots) == asked, name
        assert asked.endswith(document["question"])


def test_every_word_is_known_and_prompts_are_short(tasks):
    words = set(vocabulary())
    for task in tasks:
        example = task.examples[0]["question"].split() if task.info.num_fewshot else []
        for item in task.test:
            answers = item.get("choices", [item["answer"]])
            said = [*item["question"].split(), *(word for answer in answers for word in answer.split())]
            assert set(said) | set(item.get("steps", "").split()) <= words
            assert len(example) + len(item["question"].split()) <= 32


def test_a_smaller_study_has_smaller_tasks():
    small = PocketSettings(subjects=30, items=20)
    assert {task.info.n for task in build_tasks(small, 0)} == {20, 30}
    assert [info.task for info in list_tasks(small, 0)] == [info.task for info in list_tasks(SETTINGS, 0)]


def test_the_suite_is_the_same_bytes_again_and_another_under_another_seed(suite, tmp_path):
    def digest(folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return [(str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]

    write_suite(tmp_path / "again", SETTINGS, 0)
    write_suite(tmp_path / "other", SETTINGS, 1)
    assert digest(tmp_path / "again") == digest(suite) != digest(tmp_path / "other")


def test_lm_eval_loads_all_of_it(suite, loaded, tasks):
    assert len(loaded) == 120
    for entry, task in zip(json.loads((suite / "index.json").read_text()), tasks, strict=True):
        read = loaded[entry["task"]]
        assert entry == task.info.to_json()
        assert read.config.metadata.items() >= {"version": 3, "domain": entry["domain"]}.items()
        assert {read.config.metadata["cluster"]} == {"fact", "problem"} & set(task.test[0])
        assert (read.config.num_fewshot or 0) == entry["num_fewshot"]
        assert len(read.test_docs()) == entry["n"]
        assert list(read.aggregation()) == [entry["metric"]]


def test_lm_eval_asks_what_was_meant(loaded):
    def context(name, shots):
        task = loaded[name]
        document = task.test_docs()[0]
        return task, document, task.fewshot_context(document, shots)

    task, document, asked = context("pocket_mmlu_news_party_1", 0)
    assert asked == document["question"]
    assert task.doc_to_choice(document)[task.doc_to_target(document)] in document["choices"]
    task, document, asked = context("pocket_agieval_math_2_digits_1_carries", 1)
    example = task.fewshot_docs()[0]
    assert asked == f"{example['question']} {example['choices'][example['answer']]} . {document['question']}"
    task, document, asked = context("pocket_bbh_code_2_operations", 1)
    example = task.fewshot_docs()[0]
    assert asked == f"{example['question']} {example['steps']} {example['answer']} . {document['question']}"


@pytest.mark.parametrize(
    ("name", "said", "right"),
    [
        ("pocket_bbh_code_2_operations", "{steps} {answer} ", 1.0),
        ("pocket_bbh_code_2_operations", "{answer} ", 0.0),
        ("pocket_bbh_creative_3_words", "{steps} {answer}", 1.0),
        ("pocket_gen5_news_facts", " {answer} ", 1.0),
        ("pocket_gen5_news_facts", "{answer} {answer}", 0.0),
    ],
)
def test_lm_eval_marks_what_is_right(loaded, name, said, right):
    task = loaded[name]
    document = task.test_docs()[0]
    task.build_all_requests(limit=1, rank=0, world_size=1)
    instance = task.instances[0]
    assert instance.args[1]["until"] == ["."]
    instance.resps = [said.format(**document)]
    task.apply_filters()
    assert task.process_results(document, [instance.filtered_resps["answer"]]) == {"exact_match": right}
