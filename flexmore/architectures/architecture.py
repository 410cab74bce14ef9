"""What an architecture is: the data by which one family of decoders differs from another."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from flexmore.architectures.tensor_names import TensorNames

Side = Literal["query", "key", "value", "output"]
_SIDES: tuple[Side, ...] = ("query", "key", "value", "output")


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
        defaults: the values that transformers takes for keys which `config.json` lacks, of those that decide what the
            public weights compute.
        attention_biases: the projections of attention that have a bias.
        tied: whether the head is the embeddings where `config.json` has no `tie_word_embeddings`.
        fixed: keys of `config.json` and the one value that parameter counts hold for.
        mixture_keys: the keys of `config.json` that describe router and experts; a dense model has none.
        mixing_defaults: of those that decide how experts are mixed, besides their numbers, what transformers takes
            where `config.json` lacks them.
        names: the names of its tensors.
    """

    model_type: str
    class_name: str
    dense: str
    layer_norms: tuple[str, ...]
    query_key_norms: Literal["none", "head", "width"]
    defaults: tuple[tuple[str, Any], ...] = ()
    attention_biases: tuple[Side, ...] = ()
    tied: bool = False
    fixed: tuple[tuple[str, Any], ...] = ()
    mixture_keys: tuple[str, ...] = ()
    mixing_defaults: tuple[tuple[str, Any], ...] = ()
    names: TensorNames = field(default_factory=TensorNames)

    @property
    def routed(self) -> bool:
        """Tell whether its models have a router and experts."""
        return self.model_type != self.dense

    def layer_shapes(self, hidden: int, queries: int, keys: int, head: int) -> dict[str, tuple[int, ...]]:
        """Return the tensors of a layer outside its feed-forward network, by their names within the layer.

        Args:
            hidden: width of the hidden states.
            queries: width of all queries of a token.
            keys: width of all keys, and of all values, of a token.
            head: width of one head.
        """
        names = self.names
        shapes: dict[str, tuple[int, ...]] = {f"{norm}.weight": (hidden,) for norm in self.layer_norms}
        sides = ((queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries))
        for side, projection, shape in zip(_SIDES, names.attention_projections, sides, strict=True):
            shapes[f"{names.attention}.{projection}.weight"] = shape
            if side in self.attention_biases:
                shapes[f"{names.attention}.{projection}.bias"] = shape[:1]
        if self.query_key_norms != "none":
            widths = (queries, keys) if self.query_key_norms == "width" else (head, head)
            for norm, width in zip(names.attention_norms, widths, strict=True):
                shapes[f"{names.attention}.{norm}.weight"] = (width,)
        return shapes

    def layer_parameters(self, hidden: int, queries: int, keys: int, head: int) -> int:
        """Count the parameters of a layer without its feed-forward network; the arguments are `layer_shapes`'."""
        return sum(prod(shape) for shape in self.layer_shapes(hidden, queries, keys, head).values())
