"""Compare two mixtures on the same items, from what has been measured."""

import json

from flexmore.analysis.findings.comparisons import as_text, compare_two
from flexmore.steps.measured_tables import Measured


def compare(measured: Measured, mixture: str, other: str, *, as_json: bool = False) -> str:
    """Return whether the data tell two mixtures apart, as text or JSON.

    Raises:
        FlexmoreError: no such mixture has been measured.
    """
    found = compare_two(measured.inputs, mixture, other, measured.settings)
    return json.dumps(found, indent=1) if as_json else as_text(found)
