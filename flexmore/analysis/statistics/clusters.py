"""Clusters of items: items about one fact, passage or conversation, in one task or several, are answered alike.

They are no independent observations. Clusters that have items in the same tasks make a stratum; whatever deals items
into halves or draws them with replacement takes whole clusters, stratum by stratum.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Stratum:
    """Hold the clusters that have items in the same tasks.

    Attributes:
        tasks: their places among all tasks.
        count: how many clusters there are.
    """

    tasks: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Strata:
    """Hold all strata, and where each item is.

    Attributes:
        each: the strata.
        stratum: per task, the stratum of each item.
        place: per task, the place of each item's cluster in its stratum.
    """

    each: tuple[Stratum, ...]
    stratum: tuple[Numbers, ...]
    place: tuple[Numbers, ...]

    @property
    def clustered(self) -> tuple[bool, ...]:
        """Tell of each task whether any of its items shares a cluster with another item."""
        found = []
        for task, (stratum, place) in enumerate(zip(self.stratum, self.place, strict=True)):
            alone = len(set(stratum)) <= 1 and len(np.unique(place)) == len(place)
            alone = alone and all(self.each[number].tasks == (task,) for number in set(stratum))
            found.append(not alone)
        return tuple(found)

    def spread(self, values: Sequence[Numbers]) -> list[Numbers]:
        """Give every item what its cluster has.

        Args:
            values: per stratum, a number of each cluster.

        Returns:
            Per task, a number of each item.
        """
        starts = np.cumsum([0, *(len(value) for value in values)])
        every = np.concatenate(values) if values else np.zeros(0, dtype=np.int64)
        return [every[starts[stratum] + place] for stratum, place in zip(self.stratum, self.place, strict=True)]


@dataclass(frozen=True)
class Clusters:
    """Hold which cluster each item is in.

    Attributes:
        numbers: per task, a number for each item; items of one number, also of different tasks, are one cluster.
    """

    numbers: tuple[Numbers, ...]

    @cached_property
    def strata(self) -> Strata:
        """The clusters, in strata of those that have items in the same tasks."""
        return strata_of(self.numbers)


def single_clusters(sizes: Sequence[int]) -> Clusters:
    """Return clusters of one item each, for tasks of these sizes."""
    starts = np.cumsum([0, *sizes])
    return Clusters(tuple(np.arange(start, start + size) for start, size in zip(starts, sizes, strict=False)))


def strata_of(clusters: Sequence[Numbers]) -> Strata:
    """Find the strata.

    Args:
        clusters: per task, the number of the cluster that each item is in.
    """
    sizes = [len(own) for own in clusters]
    task = np.repeat(np.arange(len(sizes)), sizes)
    every = np.concatenate(clusters) if clusters else np.zeros(0, dtype=np.int64)
    names, start, cluster = np.unique(every, return_index=True, return_inverse=True)
    first, last = task[start], np.zeros(len(names), dtype=np.int64)
    last[cluster] = task  # of one cluster's items the last write stays
    kinds: dict[tuple[int, ...], int] = {}
    stratum = np.zeros(len(names), dtype=np.int64)
    alone = first == last
    for own in np.unique(first[alone]):
        stratum[alone & (first == own)] = kinds.setdefault((int(own),), len(kinds))
    several: dict[int, set[int]] = {int(number): set() for number in np.flatnonzero(~alone)}
    for place in np.flatnonzero(~alone[cluster]):
        several[int(cluster[place])].add(int(task[place]))
    for number, tasks in several.items():
        stratum[number] = kinds.setdefault(tuple(sorted(tasks)), len(kinds))
    order = np.argsort(stratum, kind="stable")
    counts = np.bincount(stratum, minlength=len(kinds))
    places = np.zeros(len(names), dtype=np.int64)
    places[order] = np.arange(len(names)) - np.repeat(np.cumsum(counts) - counts, counts)
    bounds = np.cumsum(sizes)[:-1]
    each = tuple(Stratum(tasks, int(count)) for tasks, count in zip(kinds, counts, strict=True))
    return Strata(each, tuple(np.split(stratum[cluster], bounds)), tuple(np.split(places[cluster], bounds)))


def random_order(text: str, count: int) -> Numbers:
    """Return an order of `count` things that depends on nothing but the text."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    # one hash seeds a generator whose stream is fixed by its specification (PCG64)
    order: Numbers = np.argsort(np.random.Generator(np.random.PCG64(seed)).random(count), kind="stable")
    return order
