"""Parts of a sweep: which of its evaluations one process does, and how a configuration cuts a sweep into jobs.

A part computes into the cache and publishes nothing; what a whole sweep publishes afterwards is the same, whatever the
parts were. Nothing here imports torch, so that a workflow can ask.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.recipe import Recipe

Shard = tuple[int, int]
"""Which of how many, from 1."""


@dataclass(frozen=True)
class SweepPart:
    """Some of a sweep's evaluations; without arguments, all of them.

    Attributes:
        mixture, group: of these alone.
        shard: of what is left, the i-th of n runs of about as many items each.
    """

    mixture: str | None = None
    group: str | None = None
    shard: Shard | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self == SweepPart()

    @property
    def options(self) -> str:
        """As options of `flexmore evaluate`."""
        given = {
            "mixture": self.mixture,
            "group": self.group,
            "shard": f"{self.shard[0]}/{self.shard[1]}" if self.shard else None,
        }
        return " ".join(f"--{name} {value}" for name, value in given.items() if value is not None)

    def of(
        self, recipes: Sequence[Recipe], tasks: Sequence[TaskInfo], limit: int | None
    ) -> list[tuple[Recipe, TaskInfo]]:
        """What the part has to evaluate, mixture by mixture.

        Mixtures of the same weights are evaluated once, as the first of them: so it is the same part that does it,
        whichever asks.

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
        pairs = [
            (recipe, info)
            for recipe in first.values()
            for info in tasks
            if self.mixture in (None, recipe.mixture.name) and self.group in (None, info.group)
        ]
        return pairs if self.shard is None else _shard(pairs, [_items(info, limit) for _, info in pairs], self.shard)


def parse_shard(text: str) -> Shard:
    """`i/n` as numbers.

    Raises:
        FlexmoreError: it is something else, or i is not 1 to n.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise FlexmoreError(f"--shard: found {text!r}; expected i/n with i from 1 to n, such as 2/8")
    return int(found[1]), int(found[2])


def _items(info: TaskInfo, limit: int | None) -> int:
    return info.n if limit is None else min(info.n, limit)


def _shard(
    pairs: Sequence[tuple[Recipe, TaskInfo]], items: Sequence[int], shard: Shard
) -> list[tuple[Recipe, TaskInfo]]:
    """The pairs whose middle item lies in the i-th of n equal stretches of all items."""
    i, n = shard
    total, before, chosen = sum(items), 0, []
    for pair, count in zip(pairs, items, strict=True):
        if (2 * before + count) * n // (2 * total) == i - 1:
            chosen.append(pair)
        before += count
    return chosen
