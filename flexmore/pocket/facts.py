"""Memorised facts: each source states which answer a subject has under a relation, in three forms.

Each source has relations of its own and knows people of its own. Public knows everybody, under public relations, so
that the public model can tell people apart, and where they belong: under public relations each source's people have a
quarter of the answers. Where a sentence begins with a name, nothing else says which domain speaks.

The people whom a source does not know are its strangers. Public text also has gossip: sentences in a domain's words
about the domain's strangers, with a random answer each time. It holds every domain's words and forms and none of its
facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

from flexmore.pocket.vocabulary import FACTS, PEOPLE

DOMAINS = ("news", "reddit", "pes2o")
FORMS = ("the {relation} of {subject} is", "which {relation} has {subject} ?", "{subject} has as {relation}")


@dataclass(frozen=True)
class FactBook:
    """Hold one source's facts.

    Attributes:
        subjects: the people whom it knows.
        strangers: the people whom it does not know.
        answers: the answer by relation and subject.
    """

    source: str
    subjects: tuple[str, ...]
    strangers: tuple[str, ...]
    answers: Mapping[str, Mapping[str, str]]

    def statement(self, rng: Random) -> tuple[str, str]:
        """Draw a question and its true answer."""
        relation = rng.choice(FACTS[self.source].relations)
        subject = rng.choice(self.subjects)
        return question(rng.choice(FORMS), relation, subject), self.answers[relation][subject]

    def gossip(self, rng: Random) -> tuple[str, str]:
        """Draw a question of the same form about a stranger, and a random answer."""
        words = FACTS[self.source]
        prompt = question(rng.choice(FORMS), rng.choice(words.relations), rng.choice(self.strangers))
        return prompt, rng.choice(words.answers)


def question(form: str, relation: str, subject: str) -> str:
    """Return the part of a sentence that comes before its answer."""
    return form.format(relation=relation, subject=subject)


def fact_book(source: str, subjects: int, seed: int) -> FactBook:
    """Return the facts of `source`, one of FACTS, about `subjects` of its people (public: of every source's people).

    Under a relation all answers are right equally often, give or take one for each source's people, so that preferring
    some answers scores no more than chance.
    """
    words = FACTS[source]
    rng = Random(f"facts {source} {seed}")
    sources = FACTS if source == "public" else (source,)
    known = tuple(name for each in sources for name in PEOPLE[each][:subjects])
    strangers = tuple(name for people in PEOPLE.values() for name in people if name not in known)
    answers: dict[str, dict[str, str]] = {relation: {} for relation in words.relations}
    for relation in words.relations:
        for each, part in _parts(source).items():
            answers[relation] |= _deal(part, PEOPLE[each][:subjects], rng)
    return FactBook(source, known, strangers, answers)


def _parts(source: str) -> dict[str, Sequence[str]]:
    """Return the answers that a source deals to each source's people whom it knows: public a quarter to each."""
    words = FACTS[source].answers
    if source != "public":
        return {source: words}
    size = len(words) // len(FACTS)
    return {each: words[place * size : (place + 1) * size] for place, each in enumerate(FACTS)}


def _deal(answers: Sequence[str], names: Sequence[str], rng: Random) -> dict[str, str]:
    """Give each name an answer at random, all answers equally often."""
    dealt = list(islice(cycle(rng.sample(answers, len(answers))), len(names)))
    rng.shuffle(dealt)
    return dict(zip(names, dealt, strict=True))
