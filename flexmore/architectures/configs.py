"""The `config.json` of one architecture, made from that of another."""

from collections.abc import Mapping, Sequence
from typing import Any

from flexmore.architectures.flex_olmo import EXPERT_KEYS, FLEX_OLMO
from flexmore.architectures.flexmore import FLEXMORE, NULL_IS_FULL, RANK_KEYS
from flexmore.architectures.forward import written_out
from flexmore.architectures.registry import architecture_named, architecture_of


def dense_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `config.json` of the dense public model, made from a mixture's."""
    source = architecture_of(config)
    dense = architecture_named(source.dense)
    kept = {key: value for key, value in written_out(config).items() if key not in source.mixture_keys}
    return kept | {"architectures": [dense.class_name], "model_type": dense.model_type}


def mixture_config(
    config: Mapping[str, Any], experts: int, active: int, ranks: Sequence[int | None] | None = None
) -> dict[str, Any]:
    """Return the `config.json` of a mixture, made from that of the public model or of another mixture.

    Args:
        config: the source; all keys that do not count experts or give ranks are kept.
        experts: how many, the public one included.
        active: experts per token.
        ranks: of a mixture whose experts may be factors, one for each expert, None for full size; without it the
            mixture is dense.
    """
    target = FLEX_OLMO if ranks is None else FLEXMORE
    made = {key: value for key, value in written_out(config).items() if key not in (*EXPERT_KEYS, *RANK_KEYS)}
    made |= {"architectures": [target.class_name], "model_type": target.model_type}
    made |= {"num_experts": experts, "num_experts_per_tok": active}
    if ranks is not None:
        made |= {"expert_ranks": list(ranks), "rank_encoding": NULL_IS_FULL}
    return made
