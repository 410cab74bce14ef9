"""What training sees: the very token streams of every step, searched for what must not be there."""

import re

import numpy as np
import pytest

from flexmore.pocket import facts
from flexmore.pocket.corpora import EXPERTS, TOPICS, Corpora
from flexmore.pocket.procedures import DOMAINS as PROCEDURES
from flexmore.pocket.settings import PocketSettings
from flexmore.pocket.tasks import build_tasks
from flexmore.pocket.vocabulary import DOMAIN_WORDS, FACTS, SUBJECTS, vocabulary

SETTINGS = PocketSettings()
WORDS = vocabulary()


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
        if "party" in words or "election" in words:
            assert [word for word, marked in zip(words, marks, strict=True) if marked] == [
                word for word in words if word in named or word == "."
            ]


def test_public_text_has_every_word():
    seen = {word for sentence in _stream("public", 40) for word in sentence.split()}
    assert set(WORDS) - seen - {"<pad>", "<eos>", "<unk>", "."} == set()


def test_public_text_never_says_a_domains_fact():
    relations = {relation: source for source in facts.DOMAINS for relation in FACTS[source].relations}
    known = set(SUBJECTS[: SETTINGS.subjects])
    spoken = [set(sentence.split()) for sentence in set(_stream("public", 60))]
    gossip = [words for words in spoken if words & relations.keys()]
    assert len(gossip) > 500
    assert [words for words in gossip if words & known] == []


def test_public_text_never_sorts_a_domains_words():
    sorts = [sentence.split() for sentence in set(_stream("public", 60)) if "sort" in sentence]
    assert len(sorts) > 100
    assert not [words for words in sorts if set(words) & set(DOMAIN_WORDS)]


@pytest.mark.parametrize("source", TOPICS)
def test_no_problem_of_a_test_occurs_in_training(source):
    steps = SETTINGS.public_steps if source == "public" else SETTINGS.expert_steps
    asked = {
        item["question"].removeprefix("steps ")
        for task in build_tasks(SETTINGS, 0)
        for item in task.test
        if re.match(r"(steps )?(sum|run|sort|echo) ", item["question"])
    }
    assert len(asked) > 3000
    seen = set()
    for sentence in _stream(source, steps):
        question = re.match(r"(?:steps )?((?:sum|run|sort|echo) [^=:>]*(?:=|:|->))", sentence)
        if question:
            seen.add(question[1])
    assert len(seen) > (1000 if source in PROCEDURES or source == "public" else 100)
    assert seen & asked == set()


def test_recall_is_recall_the_facts_of_the_tests_are_stated_in_the_domains_text():
    said = set(_stream("news", 60))
    tasks = [task for task in build_tasks(SETTINGS, 0) if task.info.domain == "news" and task.info.group == "MMLU"]
    items = [item for task in tasks for item in task.test]
    stated = sum(f"{item['question']} {item['choices'][item['answer']]}" in said for item in items)
    assert stated > 0.99 * len(items)


def test_facts_are_many_as_said():
    counts = {name: sum(map(len, facts.fact_book(name, 100, 0).answers.values())) for name in facts.DOMAINS}
    assert counts == {"news": 200, "reddit": 400, "pes2o": 800}


@pytest.mark.parametrize("expert", EXPERTS)
def test_an_experts_rows_are_mostly_its_own(expert):
    texts = Corpora(SETTINGS, 0)
    domain, other = texts.contrast(expert, 64)
    assert domain.tokens.shape == other.tokens.shape == (64, SETTINGS.row_tokens)
    own = {tuple(row) for row in domain.tokens}
    assert own.isdisjoint({tuple(row) for row in other.tokens})
