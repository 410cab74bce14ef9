"""Rules that give each expert its own rank. Another rule is a function and an entry in `RULES`.

Imports nothing heavy: the configuration is checked against these names before any job starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from flexmore.analysis.selection.selections import Evidence


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        choose: takes the evidence, returns expert -> rank of the ladder.
        reads: what it looks at: scores, or spectra alone.
        about: what it does, for people.
        settings: keys of the section `analysis` that its choice depends on.
    """

    choose: "Callable[[Evidence], dict[str, int]]"
    reads: str
    about: str
    settings: tuple[str, ...] = ()


def best(evidence: "Evidence") -> dict[str, int]:
    """The rank with the highest average; ties go to the smallest effective rank."""
    down = evidence.candidates.sort_values(
        ["expert", "average", "effective_rank"], ascending=[True, False, True], kind="stable"
    )
    return _first(down)


def best2(evidence: "Evidence") -> dict[str, int]:
    """The smallest rank whose average is within one standard error (of best's average) of best's."""
    found, top = evidence.candidates, best(evidence)
    chosen = found[found["rank"] == found["expert"].map(top)].set_index("expert")
    least = chosen["average"] - chosen["stderr"].fillna(0.0)
    return _smallest(evidence, found["average"] >= found["expert"].map(least))


def r95(evidence: "Evidence") -> dict[str, int]:
    """The smallest rank whose monotone fit keeps the share of full's gain; the smallest of all where full gains
    nothing, the largest where no rank keeps that much."""
    return evidence.recovering()


def _spectrum(name: str) -> "Callable[[Evidence], dict[str, int]]":
    def choose(evidence: "Evidence") -> dict[str, int]:
        from flexmore.analysis.selection import spectrum_rules

        return evidence.at_least(spectrum_rules.needed(name, evidence))

    return choose


def _smallest(evidence: "Evidence", enough: "pd.Series") -> dict[str, int]:
    found = evidence.candidates[enough]
    return _first(found.sort_values(["expert", "effective_rank"], kind="stable"))


def _first(rows: "pd.DataFrame") -> dict[str, int]:
    chosen = rows.drop_duplicates("expert")
    return {str(expert): int(rank) for expert, rank in zip(chosen["expert"], chosen["rank"], strict=True)}


RULES: dict[str, Rule] = {
    "best": Rule(best, "scores", "the highest average"),
    "best2": Rule(best2, "scores", "the smallest within one standard error of the highest"),
    "r95": Rule(r95, "scores", "the smallest that keeps the share of full's gain", ("recovery", "confidence")),
    "effective": Rule(_spectrum("effective"), "spectra", "exp of the entropy of the singular values"),
    "stable": Rule(_spectrum("stable"), "spectra", "squared Frobenius over squared spectral norm"),
    "energy": Rule(_spectrum("energy"), "spectra", "a share of the squared singular values", ("energy",)),
    "gavish_donoho": Rule(_spectrum("gavish_donoho"), "spectra", "singular values above the optimal hard threshold"),
    "truncated_effective": Rule(
        _spectrum("truncated_effective"), "spectra", "as effective, without values of at most a thousandth of the sum"
    ),
}
"""By the name that `joint.selections` in the configuration uses."""
