"""Differences that are judged on held-out halves: of one expert, or of all.

One expert chooses its rank on its own curve. The score that chose and the score that judges come from the same adapter,
so its luck beyond the items (the wobble from rank to rank) is in both: it is added to the error, and p is multiplied by
the number of ranks that could have been chosen. Over all experts each is judged at the rank that the others choose,
and the spread between experts holds their luck.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexmore.analysis.statistics.cross_fit import CrossFit, Difference, Estimate, estimate, estimate_mean
from flexmore.analysis.statistics.held_out_pairs import PUBLIC, HeldOutPairs
from flexmore.analysis.tables.catalogue import ALL

Rows = NDArray[np.int64]
Chosen = Callable[[int], Rows]
"""Takes the place of an expert, returns a row in every fold."""


@dataclass(frozen=True)
class Subject:
    """Hold whom a statement is about, and the halves that it is judged on.

    Attributes:
        name: of an expert, or `all`.
        experts: their places.
    """

    held: HeldOutPairs
    halves: CrossFit
    name: str
    experts: tuple[int, ...]

    @property
    def alone(self) -> bool:
        """Tell whether the subject is one expert."""
        return self.name != ALL

    def places(self, scope: int) -> NDArray[np.int64]:
        """Return the place of the rank chosen on a scope: experts x folds (all experts, by their place)."""
        if self.alone:
            return self.held.own_places(self.halves, scope)
        return self.held.others_places(self.halves, scope)

    def difference(
        self, scope: int, plus: Chosen, minus: Chosen, weight: Chosen | None = None
    ) -> tuple[Estimate, float]:
        """Estimate a difference of two rows, and its one-sided p.

        Args:
            weight: of every fold, as `Difference` has it; None: 1.
        """
        ones = np.ones(self.halves.folds)
        each = [
            Difference(plus(e), minus(e), ones if weight is None else weight(e).astype(np.float64))
            for e in self.experts
        ]
        if self.alone:
            found = estimate(self.halves, scope, each[0], float(self.held.wobble[scope]))
            return found, min(1.0, len(self.held.ranks) * found.p)
        found = estimate_mean(self.halves, scope, each)
        return found, found.p

    def at(self, places: NDArray[np.int64]) -> Chosen:
        """Return the rows of chosen ranks; `places` is experts x folds."""
        return lambda expert: self.held.pairs[expert][places[expert]]

    def rank(self, place: int) -> Chosen:
        """Return the rows of one rank, by its place."""
        return lambda expert: np.full(self.halves.folds, self.held.pairs[expert, place])

    def public(self, expert: int) -> Rows:
        """Return the row of public."""
        return np.full(self.halves.folds, PUBLIC)

    def whole(self, expert: int) -> Rows:
        """Return the row of the full expert."""
        return np.full(self.halves.folds, self.held.wholes[expert])

    def curve(self, scope: int) -> NDArray[np.float64]:
        """Return the (mean) scores over ranks on all items."""
        found: NDArray[np.float64] = self.held.curves(scope)[list(self.experts)].mean(axis=0)
        return found


def subjects(held: HeldOutPairs, halves: CrossFit | None = None) -> list[Subject]:
    """Return every expert, and all of them where there are several.

    Args:
        halves: those of items where None.
    """
    halves = halves or held.items
    found = [Subject(held, halves, name, (place,)) for place, name in enumerate(held.experts)]
    if len(held.experts) > 1:
        found.append(Subject(held, halves, ALL, tuple(range(len(held.experts)))))
    return found
