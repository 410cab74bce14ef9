"""Rules that give each expert its own rank.

Another rule is a function here, an entry in `RULES`, and its name in `flexmore.config.names`, in the same order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from flexmore.analysis.selection.evidence import Evidence
from flexmore.analysis.selection.spectrum_rules import rank_needed
from flexmore.analysis.statistics.isotonic import monotone, reach
from flexmore.errors import FlexmoreError

Ranks = dict[str, int]
"""Expert -> rank of the ladder."""


@dataclass(frozen=True)
class Rule:
    """Hold a rule and what people are told about it.

    Attributes:
        choose: takes the evidence, returns expert -> rank of the ladder.
        reads: what it looks at: scores, or spectra alone.
        about: what it chooses, in words.
    """

    choose: Callable[[Evidence], Ranks]
    reads: str
    about: str


def best(evidence: Evidence) -> Ranks:
    """Choose the rank with the highest average; ties go to the smallest effective rank."""
    down = evidence.candidates.sort_values(
        ["expert", "average", "effective_rank"], ascending=[True, False, True], kind="stable"
    )
    return _first(down)


def best2(evidence: Evidence) -> Ranks:
    """Choose the smallest rank whose average is within one standard error (of best's average) of best's."""
    found, top = evidence.candidates, best(evidence)
    chosen = found[found["rank"] == found["expert"].map(top)].set_index("expert")
    least = chosen["average"] - chosen["stderr"].fillna(0.0)
    enough = found[found["average"] >= found["expert"].map(least)]
    return _first(enough.sort_values(["expert", "effective_rank"], kind="stable"))


def r95(evidence: Evidence) -> Ranks:
    """Choose the smallest rank whose monotone fit keeps the share `recovery` of full's gain.

    Where full gains nothing it is the smallest rank of all, where no rank keeps that much the largest.

    Raises:
        FlexmoreError: the full expert was not evaluated.
    """
    whole = evidence.whole.set_index("expert")
    chosen = {}
    for expert, own in evidence.candidates.groupby("expert"):
        if expert not in whole.index:
            raise FlexmoreError(f"selection 'r95' needs full's gain, and the table has no full {expert}; evaluate it")
        own, row = own.sort_values("effective_rank"), whole.loc[expert]
        fit = monotone(own["gain"].to_numpy())
        place = int(reach(fit, np.asarray(evidence.settings.recovery * row["gain"]))) if row["low"] > 0 else 0
        chosen[str(expert)] = int(own["rank"].iloc[min(place, len(own) - 1)])
    return chosen


def by_spectrum(name: str, evidence: Evidence) -> Ranks:
    """Choose the smallest rank that is at least what the spectrum rule `name` asks for, else the largest.

    Raises:
        FlexmoreError: there are no spectra of an expert.
    """
    return _at_least(evidence, rank_needed(name, evidence))


def _at_least(evidence: Evidence, needed: Mapping[str, float]) -> Ranks:
    """Choose the smallest rank of the ladder that is at least what each expert needs, else the largest."""
    chosen = {}
    for expert, own in evidence.candidates.groupby("expert"):
        own = own.sort_values("effective_rank")
        enough = own[own["effective_rank"] >= np.ceil(round(needed[str(expert)], 9))]
        chosen[str(expert)] = int((enough if len(enough) else own.tail(1))["rank"].iloc[0])
    return chosen


def _first(rows: pd.DataFrame) -> Ranks:
    """Return the rank in the first row of each expert."""
    chosen = rows.drop_duplicates("expert")
    return {str(expert): int(rank) for expert, rank in zip(chosen["expert"], chosen["rank"], strict=True)}


def _spectral(name: str, about: str) -> Rule:
    """Return a rule that reads spectra alone."""
    return Rule(partial(by_spectrum, name), "spectra", about)


RULES: dict[str, Rule] = {
    "best": Rule(best, "scores", "the highest average"),
    "best2": Rule(best2, "scores", "the smallest within one standard error of the highest"),
    "r95": Rule(r95, "scores", "the smallest that keeps the share of full's gain"),
    "effective": _spectral("effective", "exp of the entropy of the singular values"),
    "stable": _spectral("stable", "squared Frobenius over squared spectral norm"),
    "energy": _spectral("energy", "a share of the squared singular values"),
    "gavish_donoho": _spectral("gavish_donoho", "singular values above the optimal hard threshold"),
    "truncated_effective": _spectral(
        "truncated_effective", "as effective, without values of at most a thousandth of the sum"
    ),
}
"""By the name that `joint.selections` in the configuration uses."""
