"""The configuration of a FlexMoRE model: FlexOlmo's, and the rank of every expert."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import FlexOlmoConfig

from flexmore.architectures.flexmore import FLEXMORE, NULL_IS_FULL, ZERO_IS_FULL, rank_in
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import FlexmoreError


@strict
class FlexMoREConfig(FlexOlmoConfig):
    """Hold the configuration of FlexOlmo and the rank of every expert.

    Args:
        expert_ranks: an entry for each expert, the public one first; None where all are full-size. An entry is None
            (full-size, the expert's own weights), an integer (the rank of its adapter; 0 is no adapter, the public
            expert's weights), or an object that gives each projection (`gate_proj`, `up_proj`, `down_proj`) such a
            value, or a list of one for each layer.
        rank_encoding: how full-size is written. `null_is_full` is written here. The authors' checkpoints have no such
            key and write 0 (`zero_is_full`); a list that begins with 0 can only be theirs, since the public expert has
            no rank, and is translated on reading.

    Raises:
        FlexmoreError: the entries are not one for each expert, one is not a rank, or the public expert is not
            full-size.
    """

    model_type = FLEXMORE.model_type
    base_model_tp_plan = {  # noqa: RUF012 - a constant of the class in transformers too
        name: plan for name, plan in FlexOlmoConfig.base_model_tp_plan.items() if "experts" not in name
    }
    base_model_ep_plan = None

    expert_ranks: list[Any] | None = None
    rank_encoding: str | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        if self.expert_ranks is None:
            self.expert_ranks = [None] * self.num_experts
        if self.rank_encoding not in (None, NULL_IS_FULL, ZERO_IS_FULL):
            raise FlexmoreError(
                f"rank_encoding: found {self.rank_encoding!r}, expected {NULL_IS_FULL!r} or {ZERO_IS_FULL!r}"
            )
        theirs = self.rank_encoding is None and self.expert_ranks[:1] == [0]
        if theirs or self.rank_encoding == ZERO_IS_FULL:
            self.expert_ranks = [_zero_to_full(entry) for entry in self.expert_ranks]
        self.rank_encoding = NULL_IS_FULL
        self.check_active(self.num_experts_per_tok)
        self.check_ranks(self.expert_ranks)

    def check_ranks(self, ranks: list[Any]) -> None:
        """Check that a list gives a rank to each of this model's experts.

        Raises:
            FlexmoreError: it does not; the message names the entry.
        """
        if len(ranks) != self.num_experts:
            raise FlexmoreError(
                f"expert_ranks: found {len(ranks)} entries {ranks}, expected one for each of the "
                f"{self.num_experts} experts, the public one first"
            )
        if ranks[0] is not None:
            raise FlexmoreError(
                f"expert_ranks[0]: found {ranks[0]}, expected null: the public expert is always full-size"
            )
        for index, entry in enumerate(ranks):
            _check_entry(f"expert_ranks[{index}]", entry, self.num_hidden_layers)

    def check_active(self, active: int) -> None:
        """Check a number of active experts per token.

        Raises:
            FlexmoreError: it is below one, or above the number of experts.
        """
        if not 1 <= active <= self.num_experts:
            raise FlexmoreError(
                f"num_experts_per_tok: found {active}, expected 1 to {self.num_experts}, the number of experts"
            )

    def rank(self, expert: int, layer: int, projection: str) -> int | None:
        """Return the rank of one projection of one layer; None for full-size."""
        if self.expert_ranks is None:  # only before __post_init__
            return None
        return rank_in(self.expert_ranks[expert], layer, projection)


def _check_entry(key: str, entry: Any, layers: int) -> None:
    """Check that an entry is a rank, ranks by projection, or ranks by projection and layer."""
    if isinstance(entry, Mapping):
        if set(entry) != set(PROJECTIONS):
            raise FlexmoreError(f"{key}: found the keys {sorted(entry)}, expected {sorted(PROJECTIONS)}")
        for projection, value in entry.items():
            if isinstance(value, list | tuple):
                if len(value) != layers:
                    raise FlexmoreError(
                        f"{key}.{projection}: found {len(value)} ranks, expected one for each of {layers} layers"
                    )
                for layer, rank in enumerate(value):
                    _check_rank(f"{key}.{projection}[{layer}]", rank)
            else:
                _check_rank(f"{key}.{projection}", value)
    else:
        _check_rank(key, entry)


def _check_rank(key: str, rank: Any) -> None:
    if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int) or rank < 0):
        raise FlexmoreError(f"{key}: found {rank!r}, expected null (full-size) or a rank of at least 0")


def _zero_to_full(entry: Any) -> Any:
    """Translate an entry from the authors' encoding, where 0 is full-size."""
    if isinstance(entry, Mapping):
        return {projection: _zero_to_full(value) for projection, value in entry.items()}
    if isinstance(entry, list | tuple):
        return [_zero_to_full(value) for value in entry]
    return None if entry == 0 else entry
