"""What a report is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flexmore.config.analysis import AnalysisSettings


@dataclass(frozen=True)
class About:
    """Hold what a report is about.

    Attributes:
        family: its name.
        settings: section `analysis` of its configuration.
        facts: expert -> facts that it memorised, for the pocket; empty for any other family.
        experts: of the family; None: those that the table has.
        seed: of the main run.
        command: what makes the tables.
        control: whether the family is a positive control, whose truth was planted.
        reference: what others reported of the family (`page.reference`); None for most.
        sets: the falling sets of ranks whose joint mixture has as many parameters as the first mixture of `reference`.
    """

    family: str
    settings: AnalysisSettings = field(default_factory=AnalysisSettings)
    facts: Mapping[str, int] = field(default_factory=dict)
    experts: Sequence[str] | None = None
    seed: str = "this run"
    command: str = ""
    control: bool = False
    reference: Mapping[str, Any] | None = None
    sets: Sequence[Sequence[int]] = ()
