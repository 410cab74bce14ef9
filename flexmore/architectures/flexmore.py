"""FlexMoRE: FlexOlmo whose experts have ranks; below full size an expert is kept as factors A and B."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flexmore.architectures.flex_olmo import FLEX_OLMO

RANK_KEYS = ("expert_ranks", "rank_encoding")
"""The keys of `config.json` that say which rank each expert has."""

NULL_IS_FULL = "null_is_full"
ZERO_IS_FULL = "zero_is_full"
"""How a full-size expert is written in `expert_ranks`: as null here, as 0 in checkpoints without `rank_encoding`."""

FLEXMORE = replace(
    FLEX_OLMO,
    model_type="flexmore",
    class_name="FlexMoREForCausalLM",
    mixture_keys=(*FLEX_OLMO.mixture_keys, *RANK_KEYS),
)


def rank_in(entry: Any, layer: int, projection: str) -> int | None:
    """Return the rank that an entry of `expert_ranks` gives one projection of one layer; None for full size."""
    if isinstance(entry, Mapping):
        entry = entry[projection]
    if isinstance(entry, list | tuple):
        entry = entry[layer]
    return None if entry is None else int(entry)


def declared_rank(config: Mapping[str, Any], expert: int, layer: int, projection: str) -> int | None:
    """Return the rank that `config.json` declares for one projection of one layer.

    None: full size, or a configuration that does not write full size as null, whose 0 may mean either.
    """
    if config.get("rank_encoding") != NULL_IS_FULL:
        return None
    return rank_in(config["expert_ranks"][expert], layer, projection)
