"""Recommend the rank for each expert under a budget of parameters, from what has been measured."""

import json

from flexmore.analysis.selection.recommend import as_dict, describe, recommend_ranks
from flexmore.mixtures.parameters import parse_parameters
from flexmore.steps.measured_tables import Measured


def recommend(measured: Measured, budget: str, *, as_json: bool = False) -> str:
    """Return the rank for each expert under a budget of parameters, as text or JSON.

    Args:
        budget: total parameters of the joint mixture, such as 10.75B.

    Raises:
        FlexmoreError: no mixture is within the budget.
    """
    found = recommend_ranks(measured.inputs, parse_parameters(budget).value, measured.settings)
    return json.dumps(as_dict(found), indent=1) if as_json else describe(found, measured.name)
