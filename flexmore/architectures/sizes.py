"""The sizes of a family's models, and what is counted from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexmore.errors import FlexmoreError

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class ModelSizes:
    """The sizes of a family's models, as in `config.json`."""

    hidden: int
    ffn: int
    layers: int
    vocabulary: int
    heads: int
    key_value_heads: int
    tied: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ModelSizes":
        """Read the sizes from the `config.json` of an Olmo2 or FlexOlmo checkpoint.

        Raises:
            FlexmoreError: it lacks one.
        """
        sizes = ("num_attention_heads", "hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
        missing = [key for key in sizes if key not in config]
        if missing:
            raise FlexmoreError(
                f"config.json: no {', '.join(missing)}; expected that of an Olmo2 or FlexOlmo checkpoint"
            )
        heads = config["num_attention_heads"]
        return cls(
            hidden=config["hidden_size"],
            ffn=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            vocabulary=config["vocab_size"],
            heads=heads,
            key_value_heads=config.get("num_key_value_heads") or heads,
            tied=bool(config.get("tie_word_embeddings")),
        )

    @property
    def saturation(self) -> int:
        """The rank above which an adapter is the same: min(hidden, ffn)."""
        return min(self.hidden, self.ffn)

    @property
    def per_rank(self) -> int:
        """Parameters of an adapter for each unit of rank: A and B of three projections in every layer."""
        return len(PROJECTIONS) * (self.hidden + self.ffn) * self.layers

    @property
    def full_expert(self) -> int:
        """Parameters of an expert's own weights."""
        return len(PROJECTIONS) * self.hidden * self.ffn * self.layers

    @property
    def backbone(self) -> int:
        """Parameters of the public model without its FFN: embeddings, head, attention, norms."""
        kv = self.hidden // self.heads * self.key_value_heads
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * kv + self.hidden + kv
        norms = 2 * self.hidden
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * (attention + norms) + self.hidden
