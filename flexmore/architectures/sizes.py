"""The sizes of an architecture's models, and what is counted from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flexmore.architectures.registry import architecture_named, architecture_of
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import FlexmoreError

_KEYS = ("num_attention_heads", "hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")


@dataclass(frozen=True)
class ModelSizes:
    """Hold the sizes of the models of one study, all branched from one public model.

    Attributes:
        hidden: width of the hidden states.
        ffn: inner width of a feed-forward network.
        layers: number of layers.
        vocabulary: rows of the embeddings.
        heads: attention heads.
        key_value_heads: heads of keys and values.
        tied: whether the head is the embeddings.
        head_dim: width of an attention head; None where it is hidden / heads.
        architecture: model type of the dense public model.
    """

    hidden: int
    ffn: int
    layers: int
    vocabulary: int
    heads: int
    key_value_heads: int
    tied: bool = False
    head_dim: int | None = None
    architecture: str = "olmo2"

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ModelSizes":
        """Return the sizes that the `config.json` of a known architecture states.

        Raises:
            FlexmoreError: the architecture is not known, or a size is missing or no number.
        """
        architecture = architecture_of(config)
        missing = [key for key in _KEYS if key not in config]
        if missing:
            raise FlexmoreError(f"no {', '.join(missing)}; expected the sizes of {architecture.class_name}")
        for key in _KEYS:
            if not isinstance(config[key], int) or isinstance(config[key], bool) or config[key] < 1:
                raise FlexmoreError(f"{key} is {config[key]!r}; expected a whole number above zero")
        heads = config["num_attention_heads"]
        return cls(
            hidden=config["hidden_size"],
            ffn=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            vocabulary=config["vocab_size"],
            heads=heads,
            key_value_heads=config.get("num_key_value_heads") or heads,
            tied=bool(config.get("tie_word_embeddings", architecture.tied)),
            head_dim=config.get("head_dim"),
            architecture=architecture.dense,
        )

    @property
    def saturation(self) -> int:
        """Return the rank above which an adapter stays the same: min(hidden, ffn)."""
        return min(self.hidden, self.ffn)

    @property
    def per_rank(self) -> int:
        """Return the parameters of an adapter per unit of rank: A and B of three projections in every layer."""
        return len(PROJECTIONS) * (self.hidden + self.ffn) * self.layers

    @property
    def full_expert(self) -> int:
        """Return the parameters of an expert's own weights."""
        return len(PROJECTIONS) * self.hidden * self.ffn * self.layers

    @property
    def head_width(self) -> int:
        """Return the width of an attention head."""
        return self.head_dim or self.hidden // self.heads

    @property
    def outside_layers(self) -> int:
        """Return the parameters outside the layers: embeddings, head and the last norm."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.hidden

    def backbone_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the tensors outside feed-forward networks and routers, by name, as every layout has them."""
        architecture, head = architecture_named(self.architecture), self.head_width
        names = architecture.names
        shapes: dict[str, tuple[int, ...]] = {
            f"{names.embeddings}.weight": (self.vocabulary, self.hidden),
            f"{names.norm}.weight": (self.hidden,),
        }
        if not self.tied:
            shapes[f"{names.head}.weight"] = (self.vocabulary, self.hidden)
        layer = architecture.layer_shapes(self.hidden, head * self.heads, head * self.key_value_heads, head)
        for number in range(self.layers):
            shapes |= {f"{names.layer(number)}.{name}": shape for name, shape in layer.items()}
        return shapes

    @property
    def backbone(self) -> int:
        """Return the parameters of the public model without its feed-forward networks."""
        architecture, head = architecture_named(self.architecture), self.head_width
        layer = architecture.layer_parameters(self.hidden, head * self.heads, head * self.key_value_heads, head)
        return self.layers * layer + self.outside_layers

    def shape(self, projection: str) -> tuple[int, int]:
        """Return the shape [out, in] of a projection: [ffn, hidden] of gate and up, [hidden, ffn] of down."""
        return (self.hidden, self.ffn) if projection == "down_proj" else (self.ffn, self.hidden)
