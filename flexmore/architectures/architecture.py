"""What an architecture is: the data by which one family of decoders differs from another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flexmore.architectures.tensor_names import TensorNames


@dataclass(frozen=True)
class Architecture:
    """Hold what tells one family of decoders from another.

    Attributes:
        model_type: as in `config.json`.
        class_name: as in `architectures` of `config.json`.
        dense: the model type of its public model, which has no router; its own where it has none either.
        layer_norms: the norms of hidden width in each layer.
        query_key_norms: whether queries and keys are normed, and over what: a head (one weight for all heads) or the
            width of all heads.
        forward_keys: the keys of `config.json` that decide what the public weights compute, besides `rope_theta`.
        attention_biases: the projections of attention that have a bias.
        tied: whether the head is the embeddings where `config.json` has no `tie_word_embeddings`.
        fixed: keys of `config.json` and the one value that parameter counts hold for.
        mixture_keys: the keys of `config.json` that describe router and experts; a dense model has none.
        names: the names of its tensors.
    """

    model_type: str
    class_name: str
    dense: str
    layer_norms: tuple[str, ...]
    query_key_norms: Literal["none", "head", "width"]
    forward_keys: tuple[str, ...]
    attention_biases: tuple[Literal["query", "key", "value", "output"], ...] = ()
    tied: bool = False
    fixed: tuple[tuple[str, Any], ...] = ()
    mixture_keys: tuple[str, ...] = ()
    names: TensorNames = field(default_factory=TensorNames)

    @property
    def routed(self) -> bool:
        """Tell whether its models have a router and experts."""
        return self.model_type != self.dense

    def layer_parameters(self, hidden: int, queries: int, keys: int, head: int) -> int:
        """Count the parameters of a layer without its feed-forward network.

        Args:
            hidden: width of the hidden states.
            queries: width of all queries of a token.
            keys: width of all keys, and of all values, of a token.
            head: width of one head.
        """
        attention = 2 * hidden * queries + 2 * hidden * keys
        widths = {"query": queries, "key": keys, "value": keys, "output": hidden}
        biases = sum(widths[projection] for projection in self.attention_biases)
        head_norms = {"none": 0, "head": 2 * head, "width": queries + keys}[self.query_key_norms]
        return attention + biases + head_norms + len(self.layer_norms) * hidden

    def forward_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of `config.json` decides what the public weights compute."""
        rope = config.get("rope_parameters") or {"rope_theta": config.get("rope_theta")}
        return {"rope_theta": rope["rope_theta"], **{key: config.get(key) for key in self.forward_keys}}
