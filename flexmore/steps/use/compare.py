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
    partial = measured.inputs.left_out is not None
    if as_json:
        return json.dumps({**found, "partial": True} if partial else found, indent=1)
    return f"{measured.name}: the study is not complete\n{as_text(found)}" if partial else as_text(found)
