"""What a report is written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from flexmore.report.page.about import About
from flexmore.report.page.pictures import Pictures

Tables = Mapping[str, pd.DataFrame]
"""The tables of an analysis, by name."""


@dataclass(frozen=True)
class Content:
    """Hold all that a report is written from.

    Attributes:
        tables: of the analysis, by name.
        about: what the report is about.
        versions: which versions the scores come from: columns what, version, mixtures; or None.
        pictures: the figures that the page shows.
        left_out: of an unfinished study, what its tables leave out; None where it is whole.
        beside: names of files that lie beside the page: PREDICTIONS.md, NOTES.md, config.yaml.
    """

    tables: Tables
    about: About
    versions: pd.DataFrame | None = None
    left_out: pd.DataFrame | None = None
    pictures: Pictures = field(default_factory=Pictures)
    beside: Sequence[str] = ()
