"""Parts of a sweep: which of its evaluations one process does.

A part fills the cache and writes no scores; those that the whole sweep writes afterwards are the same whatever the
parts were. Nothing here imports torch, so that a workflow can use it.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.recipe import Recipe

Shard = tuple[int, int]
"""(i, n): the i-th of n shards, from 1."""

Evaluation = tuple[Recipe, TaskInfo]
"""One task of one mixture."""


@dataclass(frozen=True)
class SweepPart:
    """Select some of a sweep's evaluations; without arguments, all of them.

    Attributes:
        mixture: only this mixture.
        group: only the tasks of this group.
        shard: of what remains, only the i-th of n consecutive stretches with about the same number of items.
    """

    mixture: str | None = None
    group: str | None = None
    shard: Shard | None = None

    @property
    def whole(self) -> bool:
        """Tell whether it is all of the sweep."""
        return self == SweepPart()

    @property
    def options(self) -> str:
        """Return it as options of `flexmore evaluate`, quoted for a shell."""
        given = {
            "mixture": self.mixture,
            "group": self.group,
            "shard": f"{self.shard[0]}/{self.shard[1]}" if self.shard else None,
        }
        return shlex.join(word for name, value in given.items() if value is not None for word in (f"--{name}", value))

    def select(self, recipes: Sequence[Recipe], tasks: Sequence[TaskInfo], limit: int | None) -> list[Evaluation]:
        """Return what the part has to evaluate, mixture by mixture.

        Mixtures of the same weights are evaluated once, as the first of them, so only one part evaluates them.

        Raises:
            FlexmoreError: the sweep has no such mixture, the suite no such group.
        """
        names, groups = [recipe.mixture.name for recipe in recipes], list(dict.fromkeys(info.group for info in tasks))
        for what, name, known in (("mixture", self.mixture, names), ("group", self.group, groups)):
            if name is not None and name not in known:
                raise FlexmoreError(f"--{what}: found {name!r}; allowed are {', '.join(known)}")
        first: dict[str, Recipe] = {}
        for recipe in recipes:
            first.setdefault(recipe.fingerprint, recipe)
        evaluations = [
            (recipe, info)
            for recipe in first.values()
            for info in tasks
            if self.mixture in (None, recipe.mixture.name) and self.group in (None, info.group)
        ]
        if self.shard is None:
            return evaluations
        return _shard(evaluations, [_items(info, limit) for _, info in evaluations], self.shard)


def parse_shard(text: str) -> Shard:
    """Read a shard from text such as `2/8`.

    Raises:
        FlexmoreError: the text is of another form, or i is not 1 to n.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise FlexmoreError(f"--shard: found {text!r}; expected i/n with i from 1 to n, such as 2/8")
    return int(found[1]), int(found[2])


def _items(info: TaskInfo, limit: int | None) -> int:
    return info.n if limit is None else min(info.n, limit)


def _shard(evaluations: Sequence[Evaluation], items: Sequence[int], shard: Shard) -> list[Evaluation]:
    """Return the evaluations whose middle item lies in the i-th of n equal stretches of all items."""
    i, n = shard
    total, before, chosen = sum(items), 0, []
    for evaluation, count in zip(evaluations, items, strict=True):
        if (2 * before + count) * n // (2 * total) == i - 1:
            chosen.append(evaluation)
        before += count
    return chosen
