"""Compare two mixtures on the same items, from what has been measured."""

import json
from pathlib import Path

from flexmore.analysis.findings.comparisons import as_text, compare_two
from flexmore.config.study import Study
from flexmore.steps.measured_tables import read_measured


def compare(study: Study, reports: Path, mixture: str, other: str, *, as_json: bool = False) -> str:
    """Return whether the data tell two mixtures apart, as text or JSON.

    Args:
        reports: committed tables, a folder for each family.

    Raises:
        FlexmoreError: there are no measured tables, or no such mixture in them.
    """
    found = compare_two(read_measured(study, reports), mixture, other, study.analysis)
    return json.dumps(found, indent=1) if as_json else as_text(found)
