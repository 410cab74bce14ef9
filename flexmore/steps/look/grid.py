"""List a configuration's mixtures."""

import json

from flexmore.config.study import Study
from flexmore.mixtures.grid import Mixture
from flexmore.mixtures.grid import grid as list_mixtures


def grid(study: Study, *, as_json: bool = False) -> str:
    """Return a study's mixtures, as text (one a line) or JSON."""
    mixtures = list_mixtures(study)
    if as_json:
        return json.dumps([vars(mixture) for mixture in mixtures], indent=1)
    return "\n".join(map(_line, mixtures))


def _line(mixture: Mixture) -> str:
    ranks = ", ".join(f"{e} {r}" for e, r in zip(mixture.experts, mixture.ranks, strict=False))
    chosen = "ranks chosen from the pairs' scores" if mixture.selected else ranks
    return f"{mixture.name:24} {mixture.kind:8} active {mixture.active}  {chosen}"
