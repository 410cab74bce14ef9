"""The names of a decoder's tensors and modules, as transformers and the files on the hub have them."""

import re
from dataclasses import dataclass

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")
"""The weights of a feed-forward network."""


@dataclass(frozen=True)
class TensorNames:
    """Hold how an architecture names its modules, and give the names of its tensors.

    Attributes:
        embeddings: the module of the token embeddings.
        rotary: the module of the rotary position embeddings.
        norm: the module of the norm after the last layer.
        head: the module that gives the logits.
        layers: the list of layers.
        feed_forward: the feed-forward network within a layer; in a mixture it holds router and experts.
        router_module: the router within a mixture's feed-forward network.
        expert_list: the experts within it.
        attention: the attention within a layer.
        attention_projections: its projections, of queries, keys, values and of what comes out.
        attention_norms: its norms of queries and keys, where it has them.
    """

    embeddings: str = "model.embed_tokens"
    rotary: str = "model.rotary_emb"
    norm: str = "model.norm"
    head: str = "lm_head"
    layers: str = "model.layers"
    feed_forward: str = "mlp"
    router_module: str = "gate"
    expert_list: str = "experts"
    attention: str = "self_attn"
    attention_projections: tuple[str, str, str, str] = ("q_proj", "k_proj", "v_proj", "o_proj")
    attention_norms: tuple[str, str] = ("q_norm", "k_norm")

    @property
    def outside_layers(self) -> tuple[str, ...]:
        """Return the modules that belong to no layer."""
        return self.embeddings, self.norm, self.rotary, self.head

    def layer(self, layer: int) -> str:
        """Return the name of a layer's module."""
        return f"{self.layers}.{layer}"

    def module(self, layer: int, projection: str, expert: int | None = None) -> str:
        """Return the name of a projection's module: of a dense model, or of one expert of a mixture."""
        inside = "" if expert is None else f"{self.expert_list}.{expert}."
        return f"{self._feed_forward(layer)}.{inside}{projection}"

    def weight(self, layer: int, projection: str, expert: int | None = None) -> str:
        """Return the name of a projection's weight: of a dense model, or of one expert of a mixture."""
        return f"{self.module(layer, projection, expert)}.weight"

    def factors(self, layer: int, projection: str, expert: int) -> tuple[str, str]:
        """Return the names of a factored expert's A [r, in] and B [out, r] of one projection."""
        module = self.module(layer, projection, expert)
        return f"{module}_a.weight", f"{module}_b.weight"

    def fused(self, layer: int, projection: str) -> str:
        """Return the name of the 3-D tensor that holds a projection of all experts (transformers 5).

        `gate_up_proj` is [experts, 2·ffn, hidden], gate first; `down_proj` is [experts, hidden, ffn].
        """
        name = "down_proj" if projection == "down_proj" else "gate_up_proj"
        return f"{self._feed_forward(layer)}.{self.expert_list}.{name}"

    def router(self, layer: int) -> str:
        """Return the name of a layer's router weight [experts, hidden]."""
        return f"{self._feed_forward(layer)}.{self.router_module}.weight"

    def router_row(self, layer: int, expert: int) -> str:
        """Return the name under which digests list one expert's row of a router."""
        return f"{self.router(layer)}[{expert}]"

    def is_backbone(self, name: str) -> bool:
        """Tell whether a tensor lies outside feed-forward networks and routers."""
        return f".{self.feed_forward}." not in name

    def lora(self, layer: int, projection: str, expert: int | None = None) -> tuple[str, str]:
        """Return PEFT's names of the LoRA tensors A [r, in] and B [out, r] of a projection."""
        module = f"base_model.model.{self.module(layer, projection, expert)}"
        return f"{module}.lora_A.weight", f"{module}.lora_B.weight"

    def parse_lora(self, name: str) -> tuple[int, str, str] | None:
        """Return layer, projection and side (`A` or `B`) of PEFT's name of a tensor.

        The adapter may be of a dense model or of expert 0 of a mixture. None: the tensor adapts something else.
        """
        layers, inside, experts = (re.escape(part) for part in (self.layers, self.feed_forward, self.expert_list))
        found = re.fullmatch(
            rf"base_model\.model\.{layers}\.(\d+)\.{inside}\.(?:{experts}\.0\.)?({'|'.join(PROJECTIONS)})"
            r"\.lora_([AB])\.weight",
            name,
        )
        return None if found is None else (int(found[1]), found[2], found[3])

    @staticmethod
    def lora_module(name: str) -> str:
        """Return the module that a LoRA tensor adapts, by its name in the model that PEFT adapted."""
        return name.removeprefix("base_model.model.").rpartition(".lora_")[0]

    def _feed_forward(self, layer: int) -> str:
        return f"{self.layer(layer)}.{self.feed_forward}"
