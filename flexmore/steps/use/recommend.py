"""Recommend the rank for each expert under a budget of parameters, from what has been measured."""

import json
from pathlib import Path

from flexmore.analysis.selection.recommend import as_dict, describe, recommend_ranks
from flexmore.config.study import Study
from flexmore.mixtures.parameters import parse_parameters
from flexmore.steps.measured_tables import read_measured


def recommend(study: Study, reports: Path, budget: str, *, as_json: bool = False) -> str:
    """Return the rank for each expert under a budget of parameters, as text or JSON.

    Args:
        budget: total parameters of the joint mixture, such as 10.75B.
        reports: committed tables, a folder for each family.

    Raises:
        FlexmoreError: there are no measured tables, or no mixture is within the budget.
    """
    found = recommend_ranks(read_measured(study, reports), parse_parameters(budget).value, study.analysis)
    return json.dumps(as_dict(found), indent=1) if as_json else describe(found, study.family)
