"""Memorised facts: each source states which answer a subject has under a relation, in three forms.

Each source has relations of its own, and people of its own whom it knows; public knows everybody's under public
relations, so that the public model can tell people apart. Whom a source does not know is a stranger to it. Public text
gossips in a domain's words about the domain's strangers, with answers drawn anew each time: it holds every domain's
words and forms and none of its facts.
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
    """One source's facts: `answers[relation][subject]`."""

    source: str
    subjects: tuple[str, ...]
    strangers: tuple[str, ...]
    answers: Mapping[str, Mapping[str, str]]

    def statement(self, rng: Random) -> tuple[str, str]:
        """A question and its true answer."""
        relation = rng.choice(FACTS[self.source].relations)
        subject = rng.choice(self.subjects)
        return question(rng.choice(FORMS), relation, subject), self.answers[relation][subject]

    def gossip(self, rng: Random) -> tuple[str, str]:
        """A question of the same form about a stranger, and an answer that means nothing."""
        words = FACTS[self.source]
        prompt = question(rng.choice(FORMS), rng.choice(words.relations), rng.choice(self.strangers))
        return prompt, rng.choice(words.answers)


def question(form: str, relation: str, subject: str) -> str:
    """The part of a sentence that comes before its answer."""
    return form.format(relation=relation, subject=subject)


def fact_book(source: str, subjects: int, seed: int) -> FactBook:
    """The facts of `source`, one of FACTS, about `subjects` of its people (public: of everybody's).

    Under a relation every answer is as often right as any other (but for one), so that to prefer some answers, whoever
    is asked about, scores no more than chance.
    """
    words = FACTS[source]
    rng = Random(f"facts {source} {seed}")
    sources = FACTS if source == "public" else (source,)
    known = tuple(name for each in sources for name in PEOPLE[each][:subjects])
    strangers = tuple(name for people in PEOPLE.values() for name in people if name not in known)
    answers = {relation: _deal(words.answers, known, rng) for relation in words.relations}
    return FactBook(source, known, strangers, answers)


def _deal(answers: Sequence[str], names: Sequence[str], rng: Random) -> dict[str, str]:
    dealt = list(islice(cycle(rng.sample(answers, len(answers))), len(names)))
    rng.shuffle(dealt)
    return dict(zip(names, dealt, strict=True))
