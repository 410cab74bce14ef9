"""Memorised facts: each source states which answer a subject has under a relation, in three forms.

All sources speak of the same subjects, under relations of their own. Some names belong to nobody whose facts are
known; about these strangers the public text gossips, with answers drawn anew each time: it holds every domain's
words and forms and none of its facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from flexmore.pocket.vocabulary import FACTS, SUBJECTS

DOMAINS = ("news", "reddit", "pes2o")
FORMS = ("the {relation} of {subject} is", "which {relation} has {subject} ?", "{subject} : {relation} =")


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
    """The facts of `source`, one of FACTS, about `subjects` subjects; answers are drawn independently."""
    words = FACTS[source]
    rng = Random(f"facts {source} {seed}")
    known = SUBJECTS[:subjects]
    answers = {relation: {name: rng.choice(words.answers) for name in known} for relation in words.relations}
    return FactBook(source, known, SUBJECTS[subjects:], answers)
