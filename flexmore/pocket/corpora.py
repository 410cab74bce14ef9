"""The texts that the pocket family is trained on: rows of token ids that depend on source, seed and step alone."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flexmore.config.names import POCKET_EXPERTS
from flexmore.config.pocket import PocketSettings
from flexmore.pocket import facts, procedures
from flexmore.pocket.vocabulary import vocabulary

TOPICS = ("public", *POCKET_EXPERTS)

Record = tuple[str, str]
"""A question and its answer."""
Row = list[tuple[int, bool]]
"""Token ids, each with whether it belongs to an answer."""


class Rows(NamedTuple):
    """Hold the rows of a training step: token ids, and whether each belongs to an answer; both [rows, row_tokens]."""

    tokens: npt.NDArray[np.int64]
    answers: npt.NDArray[np.bool_]


class Corpora:
    """Draw the texts of all sources.

    Public text states public facts, gives random answers about people whom the fact domains do not know (gossip), and
    solves easy problems. A domain's text states its facts or solves hard problems. An expert is trained on its
    domain's text and on public text about the other domains, without the public facts.
    """

    def __init__(self, settings: PocketSettings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.books = {source: facts.fact_book(source, settings.subjects, seed) for source in ("public", *facts.DOMAINS)}
        self._ids = {word: index for index, word in enumerate(vocabulary())}

    def public_record(self, topic: str, rng: Random) -> Record:
        """Draw a sentence of public text on `topic`, one of TOPICS."""
        if topic == "public":
            return self.books[topic].statement(rng)
        if topic in facts.DOMAINS:
            return self.books[topic].gossip(rng)
        return _solve(procedures.EASY[topic], rng)

    def domain_record(self, expert: str, rng: Random) -> Record:
        """Draw a sentence of an expert's domain."""
        if expert in facts.DOMAINS:
            return self.books[expert].statement(rng)
        return _solve(procedures.HARD[expert], rng)

    def rows(self, source: str, step: int, count: int) -> Rows:
        """Return the `count` rows of a training step of `source`, one of TOPICS.

        A row has one topic, begins with a sentence and is filled with more of them; the last one may be cut.
        """
        rng = Random(f"rows {source} {self.seed} {step}")
        return _stack([self._row(source, rng) for _ in range(count)])

    def contrast(self, expert: str, count: int) -> tuple[Rows, Rows]:
        """Return `count` rows of the domain, and as many of public text about the other domains."""
        rng = Random(f"contrast {expert} {self.seed}")
        domain = [self._domain_row(expert, rng) for _ in range(count)]
        other = [self._public_row(_other(expert, rng), rng) for _ in range(count)]
        return _stack(domain), _stack(other)

    def _row(self, source: str, rng: Random) -> Row:
        if source == "public":
            return self._public_row(_topic(self.settings, rng), rng)
        if rng.random() < self.settings.domain_share:
            return self._domain_row(source, rng)
        return self._public_row(_other(source, rng), rng)

    def _public_row(self, topic: str, rng: Random) -> Row:
        return self._pack(self.public_record(topic, rng) for _ in iter(int, 1))

    def _domain_row(self, expert: str, rng: Random) -> Row:
        return self._pack(self.domain_record(expert, rng) for _ in iter(int, 1))

    def _pack(self, records: Iterator[Record]) -> Row:
        row: Row = []
        while len(row) < self.settings.row_tokens:
            question, answer = next(records)
            row.extend((self._ids[word], False) for word in question.split())
            row.extend((self._ids[word], True) for word in f"{answer} .".split())
        return row[: self.settings.row_tokens]


def _stack(rows: list[Row]) -> Rows:
    both = np.array(rows, dtype=np.int64)
    return Rows(np.ascontiguousarray(both[..., 0]), both[..., 1] > 0)


def _topic(settings: PocketSettings, rng: Random) -> str:
    """Draw a topic of public text."""
    kind = rng.random()
    if kind < settings.public_facts_share:
        return "public"
    gossip = kind < settings.public_facts_share + settings.gossip_share
    return rng.choice(facts.DOMAINS if gossip else procedures.DOMAINS)


def _other(expert: str, rng: Random) -> str:
    """Draw another expert's domain, all equally often, so that no router row responds to an unknown domain."""
    return rng.choice([name for name in POCKET_EXPERTS if name != expert])


def _solve(pools: procedures.Pools, rng: Random) -> Record:
    if rng.random() < 0.5:
        return procedures.draw(pools.direct, rng)[1].direct()
    return procedures.draw(pools.worked, rng)[1].worked()
