"""What a report is about, and what a row of each of its tables is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flexmore.config.analysis import AnalysisSettings

TABLES_ABOUT = {
    "averages": "a mixture: its mean on each group, and their mean",
    "gains": "a mixture on the average, a skill, a group or a domain: its gain over public with its interval",
    "gains_by_task": "the same on a single task",
    "r95": "an expert on the average, its domain, a skill or a group: r95 and the rank of half the gain",
    "skills": "an expert: reasoning less knowledge, in doublings of rank; `all`: the mean and its test",
    "regression": "a coefficient of the paper's reading",
    "regression_fits": "a fit of the paper's reading: its vertex with a Fieller interval",
    "shapes": "a fit: how it predicts held-out items beside two others, and whether its vertex is an optimum",
    "selections": "a rule and an expert: the rank, and how far behind the highest average",
    "heldout": "a rule and an expert: its gain on the items that chose and on others",
    "comparisons": "two joint mixtures: their difference, tests, what could be detected",
    "optima": "an expert on a scope: the highest score, beside r95",
    "joint": "a joint mixture: average, gain, and how much of each expert's gain it keeps",
    "parameters": "a mixture: parameters and average; which no smaller one beats",
    "budget": "a point of the Pareto front: the ranks of the highest sum of pair gains",
    "additivity": "a joint mixture: its gain beside the sum of its pairs' gains",
    "noise": "an expert: the largest rank less full",
    "predictions": "a prediction and what it is about: measured, and whether it holds",
    "seeds": "a quantity of one training seed",
    "gaps": "a mixture that a complete grid would have",
}


@dataclass(frozen=True)
class About:
    """What a report is about.

    Attributes:
        facts: expert -> facts that it memorised, for the pocket; empty for any other family.
        experts: of the family; None: those that the table has.
        seed: of the main run.
        command: what makes the tables.
        control: whether the family is a positive control, whose truth was planted.
        published: what others measured on the family (`page.published`); None for most.
    """

    family: str
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    facts: Mapping[str, int] = field(default_factory=dict)
    experts: Sequence[str] | None = None
    seed: str = "this run"
    command: str = ""
    control: bool = False
    published: Mapping[str, Any] | None = None
