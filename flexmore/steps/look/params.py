"""Count the parameters of a mixture, or list the sets of ranks that have a number of parameters."""

import json
from pathlib import Path

from flexmore.config.study import Study
from flexmore.mixtures.recipe import Recipe
from flexmore.planning.rank_sets import list_sets


def params(recipe: Path, *, as_json: bool = False) -> str:
    """Return the parameters of a recipe's mixture by part, total and active, as text or JSON."""
    found = Recipe.read(recipe).parameters
    if as_json:
        return json.dumps(found, indent=1)
    parts = {name: number for name, number in {**found, **found["experts"]}.items() if name != "experts"}
    return "\n".join(f"{name:12} {number:>18,}" for name, number in parts.items())


def rank_sets(study: Study, number: str, *, as_json: bool = False) -> str:
    """Return the sets of ranks whose joint mixture has a number of parameters, such as 10.75B, as text or JSON."""
    return list_sets(study, number, as_json)
