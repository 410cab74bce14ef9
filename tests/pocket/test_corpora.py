"""The token streams of every training step, searched for what they must not contain."""

import re
from collections import Counter
from random import Random

import numpy as np
import pytest

from flexmore.config.names import POCKET_EXPERTS
from flexmore.config.pocket import PocketSettings
from flexmore.pocket import facts
from flexmore.pocket.corpora import TOPICS, Corpora
from flexmore.pocket.procedures import DOMAINS as PROCEDURES
from flexmore.pocket.procedures import EASY, HARD
from flexmore.pocket.tasks import build_tasks
from flexmore.pocket.vocabulary import DOMAIN_WORDS, FACTS, PEOPLE, vocabulary

SETTINGS = PocketSettings()
WORDS = vocabulary()
ASKS = {"sum": "sum", "add": "sum", "run": "run", "trace": "run"}
ASKS |= {"sort": "sort", "insert": "sort", "echo": "echo", "repeat": "echo"}
QUESTION = re.compile(rf"({'|'.join(ASKS)}) ([^=:>]*(?:=|:|->))")
"""What a problem begins with, whether it is to be answered at once or worked out, and what tells it apart."""


def _stream(source, steps, batch=SETTINGS.batch, seed=0):
    """The sentences of a source's training, ends of rows (often cut short) included."""
    texts = Corpora(SETTINGS, seed)
    for step in range(steps):
        for row in texts.rows(source, step, batch).tokens:
            for sentence in " ".join(WORDS[i] for i in row).split(" ."):
                yield sentence.strip()


def test_words_are_unique_and_plain():
    assert len(set(WORDS)) == len(WORDS)
    assert all(word == word.strip() and " " not in word for word in WORDS)


def test_rows_depend_on_source_seed_and_step_alone():
    texts = Corpora(SETTINGS, 0)
    first, answers = texts.rows("math", 3, 8)
    texts.rows("public", 0, 8)
    again = Corpora(SETTINGS, 0).rows("math", 3, 8)
    assert np.array_equal(first, again.tokens)
    assert np.array_equal(answers, again.answers)
    assert first.shape == answers.shape == (8, SETTINGS.row_tokens)
    for other in (texts.rows("math", 4, 8), texts.rows("code", 3, 8), Corpora(SETTINGS, 1).rows("math", 3, 8)):
        assert not np.array_equal(first, other.tokens)


def test_answers_are_marked_up_to_their_full_stop():
    rows, answers = Corpora(SETTINGS, 0).rows("news", 0, 64)
    named = {word for source in FACTS.values() for word in source.answers}
    for row, marks in zip(rows, answers, strict=True):
        words = [WORDS[token] for token in row]
        if "party" in words:
            assert [word for word, marked in zip(words, marks, strict=True) if marked] == [
                word for word in words if word in named or word == "."
            ]


def test_public_text_has_every_word():
    seen = {word for sentence in _stream("public", 100) for word in sentence.split()}
    assert set(WORDS) - seen - {"<pad>", "<eos>", "<unk>", "."} == set()


def test_public_text_never_says_a_domains_fact():
    relations = {relation: source for source in facts.DOMAINS for relation in FACTS[source].relations}
    spoken = [set(sentence.split()) for sentence in set(_stream("public", 60))]
    gossip = [(relation, words) for words in spoken for relation in words & relations.keys()]
    assert len(gossip) > 500
    assert [words for relation, words in gossip if words & set(PEOPLE[relations[relation]])] == []


def test_public_text_never_sorts_a_domains_words():
    sorts = [sentence.split() for sentence in set(_stream("public", 60)) if re.match("sort|insert", sentence)]
    assert len(sorts) > 100
    assert not [words for words in sorts if set(words) & set(DOMAIN_WORDS)]


def _problem(sentence):
    found = QUESTION.match(sentence)
    return found and f"{ASKS[found[1]]} {found[2]}"


@pytest.fixture(scope="module")
def asked():
    """The problems of all tests."""
    return {_problem(item["question"]) for task in build_tasks(SETTINGS, 0) for item in task.test} - {None}


@pytest.mark.parametrize("source", TOPICS)
def test_no_problem_of_a_test_occurs_in_training(asked, source):
    steps = SETTINGS.public_steps if source == "public" else SETTINGS.expert_steps
    assert len(asked) > 3000
    seen = {_problem(sentence) for sentence in _stream(source, steps)} - {None}
    assert len(seen) > (1000 if source in PROCEDURES or source == "public" else 100)
    assert seen & asked == set()


def test_recall_is_recall_the_facts_of_the_tests_are_stated_in_the_domains_text():
    said = set(_stream("news", 60))
    tasks = [task for task in build_tasks(SETTINGS, 0) if task.info.domain == "news" and task.info.group == "MMLU"]
    items = [item for task in tasks for item in task.test]
    stated = sum(f"{item['question']} {item['choices'][item['answer']]}" in said for item in items)
    assert stated > 0.99 * len(items)


def test_public_facts_say_where_people_belong_and_nothing_more():
    book = facts.fact_book("public", 60, 0)
    whose = {name: source for source, names in PEOPLE.items() for name in names}
    for told in book.answers.values():
        by_source = {source: Counter(told[name] for name in told if whose[name] == source) for source in FACTS}
        assert [len(counts) for counts in by_source.values()] == [4, 4, 4, 4]
        assert len(set().union(*by_source.values())) == 16
        assert {number for counts in by_source.values() for number in counts.values()} == {15}


def test_facts_are_many_as_said():
    counts = {name: sum(map(len, facts.fact_book(name, 60, 0).answers.values())) for name in facts.DOMAINS}
    assert counts == {"news": 60, "reddit": 180, "pes2o": 540}


@pytest.mark.parametrize("expert", POCKET_EXPERTS)
def test_an_experts_rows_are_mostly_its_own(expert):
    texts = Corpora(SETTINGS, 0)
    domain, other = texts.contrast(expert, 64)
    assert domain.tokens.shape == other.tokens.shape == (64, SETTINGS.row_tokens)
    own = {tuple(row) for row in domain.tokens}
    assert own.isdisjoint({tuple(row) for row in other.tokens})


@pytest.mark.parametrize("expert", POCKET_EXPERTS)
def test_the_other_domains_share_an_experts_other_text_equally(expert):
    marks = {relation: source for source in facts.DOMAINS for relation in FACTS[source].relations}
    marks |= dict.fromkeys(("sum", "add"), "math") | dict.fromkeys(("run", "trace"), "code")
    marks |= dict.fromkeys(("sort", "insert", "echo", "repeat"), "creative")
    rows = Corpora(SETTINGS, 0).rows(expert, 0, 4000).tokens
    topics = Counter(next(marks[WORDS[token]] for token in row if WORDS[token] in marks) for row in rows)
    assert topics.keys() == set(POCKET_EXPERTS)
    assert topics[expert] / len(rows) == pytest.approx(SETTINGS.domain_share, abs=0.03)
    for other in set(POCKET_EXPERTS) - {expert}:
        assert topics[other] / len(rows) == pytest.approx((1 - SETTINGS.domain_share) / 5, abs=0.015)


def test_no_word_of_a_procedure_is_another_domains():
    rng = Random(0)
    words = {}
    for name in PROCEDURES:
        pool = [procedure for pools in (EASY, HARD) for part in pools[name] for procedure in part]
        problems = [procedure.sample(rng) for procedure in pool for _ in range(300)]
        said = (f"{p.question} {p.answer} {p.worked_question} {p.steps}" for p in problems)
        words[name] = {word for sentence in said for word in sentence.split()}
    words |= {name: set(" ".join(facts.FORMS).split()) | set(sum(FACTS[name], ())) for name in facts.DOMAINS}
    for name in PROCEDURES:
        assert not [other for other in words if other != name and words[name] & words[other]]
