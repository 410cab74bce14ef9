"""What the evaluation of a sweep did, in numbers and as text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

MANY_UNREAD = 0.2
"""The share of unread answers from which on a result is listed; it counts whatever it is."""
_LISTED = 20
"""The most lines of a list that are shown."""


@dataclass
class SweepOutcome:
    """Hold what was computed, found in the cache, or failed; each result is one task of one mixture.

    Attributes:
        computed, cached: the number of results that were computed now, or found in the cache.
        items, tokens, seconds: how many items the computed ones have, how many tokens the model read for them (those
            that requests share once; without generated ones), and how long that took.
        failures: which results failed, and why.
        unread: of which results many answers are empty or have none found in them.
        written: whether the scores of the whole sweep were written.
    """

    computed: int = 0
    cached: int = 0
    items: int = 0
    tokens: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    written: bool = False

    @property
    def speed(self) -> str:
        """Return the tokens a second as text, empty if nothing was computed."""
        return f"{self.tokens / self.seconds:,.0f} tokens/s" if self.seconds else ""

    def __str__(self) -> str:
        rate = f", {self.items / self.seconds:.0f} items/s, {self.speed}" if self.seconds else ""
        lines = [f"{self.computed} evaluations computed{rate}, {self.cached} found in the cache"]
        if self.unread:
            more = f"in {len(self.unread)} more than {MANY_UNREAD:.0%} of the answers are unread (empty, or none found)"
            lines.append(f"{more}; they count as wrong:")
            lines += listed(self.unread)
        if not self.written:
            lines.append(
                "a part of the sweep: its results are in the cache; once all parts are done, "
                "`flexmore evaluate` on the whole sweep writes the scores"
            )
        return "\n".join(lines)

    def failure(self, sweep: str) -> str:
        """Return the message that ends an evaluation in which tasks failed."""
        done = self.computed + self.cached
        return "\n".join(
            [
                f"{sweep}: {len(self.failures)} evaluations failed, {done} are done and in the cache:",
                *listed(self.failures),
                "no scores were written; correct what the lines name and run the same command: only these are repeated",
            ]
        )


def listed(lines: Sequence[str]) -> list[str]:
    """Return lines indented, the first few where there are many."""
    more = [f"  ... and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return [*(f"  {line}" for line in lines[:_LISTED]), *more]
