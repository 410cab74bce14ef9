"""Stems: beginnings that many token sequences share, found so that a model computes each of them once.

A task's few shots stand before each of its questions: they are a stem. Stems form a tree, since some of the questions
may go on alike (the same passage); what fewer share is left to the rows of a batch (see `rows`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

_WORTH = 1024
"""A stem saves at least so many tokens: it costs a pass of its own, and no batch crosses it."""


@dataclass(frozen=True)
class Stem:
    """A shared beginning.

    Attributes:
        tokens: those that come after the parent's.
        start: how many come before them.
        parent: which stem this one goes on from; None for the root, which has no tokens.
        members: which sequences begin with it and with no longer stem.
    """

    tokens: tuple[int, ...]
    start: int
    parent: int | None
    members: list[int] = field(default_factory=list)

    @property
    def end(self) -> int:
        """How many tokens its members have in common with it and its parents."""
        return self.start + len(self.tokens)


def find_stems(sequences: Sequence[Sequence[int]], limits: Sequence[int]) -> list[Stem]:
    """The stems of sequences, each after its parent and before anything that is not its descendant.

    Args:
        sequences: in ascending order.
        limits: of each sequence, how many of its tokens a stem may take away.
    """
    stems = [Stem((), 0, None)]
    work = [(list(range(len(sequences))), 0)] if sequences else []
    while work:
        members, parent = work.pop()
        common = shared(sequences[members[0]], sequences[members[-1]])
        start = stems[parent].end
        end, saved = _best_end(sorted(limits[member] for member in members), start, common)
        if saved >= _WORTH:
            stems[parent].members.extend(member for member in members if limits[member] < end)
            stems.append(Stem(tuple(sequences[members[0]][start:end]), start, parent))
            work.append(([member for member in members if limits[member] >= end], len(stems) - 1))
            continue
        for found in _parted(sequences, members, common):
            if (len(found) - 1) * (max(limits[member] for member in found) - start) >= _WORTH:
                work.append((found, parent))
            else:
                stems[parent].members.extend(found)
    return stems


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences (of the same type) begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # the first `low` are equal; slices are compared without a loop in Python
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _best_end(limits: Sequence[int], start: int, common: int) -> tuple[int, int]:
    """Where a stem of sequences with these (ascending) limits saves most, and the tokens that it saves."""
    ends = [(min(limit, common), len(limits) - number) for number, limit in enumerate(limits)]
    return max(((end, (count - 1) * (end - start)) for end, count in ends), key=lambda found: (found[1], found[0]))


def _parted(sequences: Sequence[Sequence[int]], members: Sequence[int], common: int) -> list[list[int]]:
    """Members by their token after the common ones; each one that has none is alone."""
    alone = [[member] for member in members if len(sequences[member]) == common]
    longer = [member for member in members if len(sequences[member]) > common]
    return [*alone, *(list(found) for _, found in groupby(longer, key=lambda member: sequences[member][common]))]
