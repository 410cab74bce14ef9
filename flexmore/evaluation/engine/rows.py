"""Rows: sequences that share a beginning, in one list of tokens in which nothing stands twice.

A row is a tree in preorder; each sequence is a path from its root, so a context with every continuation that follows it
makes one row:

    tokens      c0 c1 c2 x0 x1 y0    the context c with x0 x1 (and x2, only predicted) and y0 (and y1)
    positions    0  1  2  3  4  3    where a token would stand if its sequence were alone
    last         5  5  5  4  4  5    where its descendants end: token i sees token j if j <= i <= last[j]

Continuations of one token cost nothing beyond their context.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flexmore.evaluation.engine.stems import shared

_LENGTH = 256
"""A row takes further sequences up to this length (attention costs its square), or twice what they share with it."""

Pair = tuple[Sequence[int], Sequence[int]]
"""Context and continuation, in tokens."""


@dataclass(frozen=True)
class Sentence:
    """The tokens that a model sees of one or more pairs: all but the last.

    Attributes:
        scored: for each pair its number, and the tokens that are predicted at the end, the first by `tokens` up to it.
    """

    tokens: tuple[int, ...]
    scored: list[tuple[int, tuple[int, ...]]]

    @property
    def limit(self) -> int:
        """How many tokens come before the first whose logits are needed."""
        return len(self.tokens) - max(len(continuation) for _, continuation in self.scored)


@dataclass
class Row:
    """Sentences of one stem as a tree (above); `targets`: (the token whose logits predict it, it, its pair)."""

    tokens: list[int]
    positions: list[int]
    last: list[int]
    targets: list[tuple[int, int, int]]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def branched(self) -> bool:
        """Whether some token does not see all those before it."""
        return self.last[0] != len(self) - 1 or len(set(self.last)) > 1


def sentences(pairs: Sequence[Pair], max_length: int) -> list[Sentence]:
    """What a model sees of the pairs, each once, in ascending order.

    A pair that is too long loses its first tokens, as in lm-eval's HFLM: of context and continuation the last
    max_length + 1 tokens are kept, and the model sees all of them but the last.
    """
    found: dict[tuple[int, ...], Sentence] = {}
    for number, (context, continuation) in enumerate(pairs):
        tokens = tuple([*context, *continuation][-(max_length + 1) : -1])
        found.setdefault(tokens, Sentence(tokens, [])).scored.append((number, tuple(continuation)))
    return [found[tokens] for tokens in sorted(found)]


def build_rows(members: Sequence[Sentence], start: int) -> list[Row]:
    """Rows of sentences that have their first `start` tokens in a stem; the sentences are in ascending order."""
    rows: list[Row] = []
    path: list[int] = []
    before: tuple[int, ...] = ()
    for sentence in members:
        common = shared(before, sentence.tokens) - start
        own = len(sentence.tokens) - start
        if not rows or 2 * common < own or len(rows[-1]) + own - common > max(_LENGTH, 2 * common):
            rows.append(Row([], [], [], []))
            path, common = [], 0
        row = rows[-1]
        path = path[:common]
        for position in range(start + common, start + own):
            path.append(len(row))
            row.tokens.append(sentence.tokens[position])
            row.positions.append(position)
            row.last.append(0)
        for place in path:
            row.last[place] = len(row) - 1
        for pair, continuation in sentence.scored:
            places = path[own - len(continuation) :]
            row.targets.extend((place, token, pair) for place, token in zip(places, continuation, strict=True))
        before = sentence.tokens
    return rows
