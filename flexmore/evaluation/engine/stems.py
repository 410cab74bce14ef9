"""Stems: beginnings that many token sequences share, found so that a model computes each of them once.

A task's few-shot examples precede each of its questions: they are a stem. Stems form a tree, since some of the
questions may continue alike (with the same passage). Beginnings that fewer sequences share are left to the token trees
of a batch (`trees`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

_MIN_SAVED = 1024
"""The fewest tokens that a stem must save: it costs a forward pass of its own, and no batch spans two stems."""


@dataclass(frozen=True)
class Stem:
    """Hold a shared beginning.

    Attributes:
        tokens: those that come after the parent's.
        start: how many tokens come before them.
        parent: index of the stem that this one continues; None for the root, which has no tokens.
        members: indices of the sequences that begin with it and with no longer stem.
    """

    tokens: tuple[int, ...]
    start: int
    parent: int | None
    members: list[int] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Return how many tokens its members have in common with it and its parents."""
        return self.start + len(self.tokens)


def find_stems(sequences: Sequence[Sequence[int]], limits: Sequence[int]) -> list[Stem]:
    """Return the stems of sequences, each after its parent and before all stems that are not its descendants.

    Args:
        sequences: token sequences in ascending order.
        limits: for each sequence, how many of its first tokens may belong to a stem.
    """
    stems = [Stem((), 0, None)]
    work = [(list(range(len(sequences))), 0)] if sequences else []
    while work:
        members, parent = work.pop()
        common = shared_length(sequences[members[0]], sequences[members[-1]])
        start = stems[parent].end
        end, saved = _best_end(sorted(limits[member] for member in members), start, common)
        if saved >= _MIN_SAVED:
            stems[parent].members.extend(member for member in members if limits[member] < end)
            stems.append(Stem(tuple(sequences[members[0]][start:end]), start, parent))
            work.append(([member for member in members if limits[member] >= end], len(stems) - 1))
            continue
        for found in _split_after(sequences, members, common):
            if (len(found) - 1) * (max(limits[member] for member in found) - start) >= _MIN_SAVED:
                work.append((found, parent))
            else:
                stems[parent].members.extend(found)
    return stems


def shared_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many first tokens two sequences (of the same type) have in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # the first `low` are equal; slices are compared without a loop in Python
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _best_end(limits: Sequence[int], start: int, common: int) -> tuple[int, int]:
    """Return where a stem of sequences with these (ascending) limits saves most tokens, and how many it saves."""
    ends = [(min(limit, common), len(limits) - number) for number, limit in enumerate(limits)]
    return max(((end, (count - 1) * (end - start)) for end, count in ends), key=lambda found: (found[1], found[0]))


def _split_after(sequences: Sequence[Sequence[int]], members: Sequence[int], common: int) -> list[list[int]]:
    """Group members by their token after the common ones; a member without one is alone."""
    alone = [[member] for member in members if len(sequences[member]) == common]
    longer = [member for member in members if len(sequences[member]) > common]
    return [*alone, *(list(found) for _, found in groupby(longer, key=lambda member: sequences[member][common]))]
