"""FlexMoRE as a transformers model: FlexOlmo with experts of different ranks."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.models.flex_olmo.modeling_flex_olmo import (
    FlexOlmoAttention,
    FlexOlmoDecoderLayer,
    FlexOlmoForCausalLM,
    FlexOlmoModel,
    FlexOlmoPreTrainedModel,
    FlexOlmoRMSNorm,
    FlexOlmoRotaryEmbedding,
    FlexOlmoSparseMoeBlock,
    FlexOlmoTopKRouter,
)

from flexmore.architectures.flexmore import rank_in
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.errors import FlexmoreError
from flexmore.modeling.configuration_flexmore import FlexMoREConfig
from flexmore.modeling.dense_cache import DenseCache
from flexmore.modeling.layer.mixing import FlexMoREExperts


class FlexMoREPreTrainedModel(FlexOlmoPreTrainedModel):
    """Name what transformers needs to know of all FlexMoRE models."""

    config: FlexMoREConfig
    _no_split_modules = ["FlexMoREDecoderLayer"]  # noqa: RUF012 - a constant of the class in transformers too


class FlexMoRERMSNorm(FlexOlmoRMSNorm):
    """Compute FlexOlmo's norm by one operation instead of several, with the same bits on a CPU.

    Decoding consists of many small operations.
    """

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Return the normed values in their own dtype; transformers computes those of float64 in float32."""
        if hidden_states.dtype == torch.float64:
            normed: Tensor = super().forward(hidden_states)
            return normed
        return functional.rms_norm(hidden_states, self.weight.shape, self.weight, self.variance_epsilon)


class FlexMoREAttention(FlexOlmoAttention):
    """Compute FlexOlmo's attention with the norm above."""

    def __init__(self, config: FlexMoREConfig, layer_idx: int) -> None:
        super().__init__(config, layer_idx)
        self.q_norm = FlexMoRERMSNorm(config.num_attention_heads * self.head_dim, config.rms_norm_eps)
        self.k_norm = FlexMoRERMSNorm(config.num_key_value_heads * self.head_dim, config.rms_norm_eps)


class FlexMoRESparseMoeBlock(FlexOlmoSparseMoeBlock):
    """Hold FlexOlmo's router and experts of different ranks."""

    def __init__(self, config: FlexMoREConfig, layer_idx: int, cache: DenseCache) -> None:
        nn.Module.__init__(self)
        self.gate = FlexOlmoTopKRouter(config)
        self.experts = FlexMoREExperts(config, layer_idx, cache)


class FlexMoREDecoderLayer(FlexOlmoDecoderLayer):
    """Hold FlexOlmo's layer around experts of different ranks."""

    def __init__(self, config: FlexMoREConfig, layer_idx: int, cache: DenseCache) -> None:
        GradientCheckpointingLayer.__init__(self)
        self.hidden_size = config.hidden_size
        self.self_attn = FlexMoREAttention(config=config, layer_idx=layer_idx)
        self.mlp = FlexMoRESparseMoeBlock(config, layer_idx, cache)
        self.post_attention_layernorm = FlexMoRERMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.post_feedforward_layernorm = FlexMoRERMSNorm(config.hidden_size, eps=config.rms_norm_eps)


class FlexMoREModel(FlexMoREPreTrainedModel, FlexOlmoModel):
    """Hold the decoder without the head.

    Attributes:
        dense_cache: the dense weights of adapters past break-even; its `limit` may be changed.
    """

    def __init__(self, config: FlexMoREConfig) -> None:
        FlexOlmoPreTrainedModel.__init__(self, config)
        self.padding_idx = config.pad_token_id
        self.vocab_size = config.vocab_size
        self.dense_cache = DenseCache()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, self.padding_idx)
        self.layers = nn.ModuleList(
            FlexMoREDecoderLayer(config, layer, self.dense_cache) for layer in range(config.num_hidden_layers)
        )
        self.norm = FlexMoRERMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.rotary_emb = FlexOlmoRotaryEmbedding(config=config)
        self.gradient_checkpointing = False
        self.post_init()


class FlexMoREForCausalLM(FlexMoREPreTrainedModel, FlexOlmoForCausalLM):
    """Hold a mixture of a public expert and experts of different ranks, as a causal language model."""

    def __init__(self, config: FlexMoREConfig) -> None:
        FlexOlmoPreTrainedModel.__init__(self, config)
        self.model = FlexMoREModel(config)
        self.vocab_size = config.vocab_size
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.router_aux_loss_coef = config.router_aux_loss_coef
        self.num_experts = config.num_experts
        self.num_experts_per_tok = config.num_experts_per_tok
        self.post_init()

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """Load as transformers' own classes do, and store the adapters rank-major for speed."""
        loaded = super().from_pretrained(*args, **kwargs)
        for block in (loaded[0] if isinstance(loaded, tuple) else loaded).blocks:
            for expert in block.experts:
                expert.store_rank_major()
        return loaded

    @property
    def blocks(self) -> list[FlexMoRESparseMoeBlock]:
        """Return router and experts of each layer."""
        return [layer.mlp for layer in self.model.layers]  # type: ignore[misc]

    def set_ranks(self, ranks: Sequence[Any]) -> None:
        """Show the experts at other ranks, as views of what is loaded.

        Args:
            ranks: an entry for each expert, public first, as in `FlexMoREConfig.expert_ranks`.

        Raises:
            FlexmoreError: it is not such a list, or a rank is above what was loaded; the model is left unchanged.
        """
        self.config.check_ranks(list(ranks))
        before = self.config.expert_ranks or []
        try:
            self._show(ranks)
        except FlexmoreError:
            self._show(before)
            raise
        self.config.expert_ranks = list(ranks)

    def set_active(self, active: int) -> None:
        """Let every token choose `active` experts.

        Raises:
            FlexmoreError: `active` is below one, or above the number of experts.
        """
        self.config.check_active(active)
        self.config.num_experts_per_tok = self.num_experts_per_tok = active
        for block in self.blocks:
            block.gate.top_k = active
        self.model.dense_cache.release()  # other experts may run dense now

    def _show(self, ranks: Sequence[Any]) -> None:
        self.model.dense_cache.clear()  # made from other ranks
        for layer, block in enumerate(self.blocks):
            for index, entry in enumerate(ranks):
                for projection in PROJECTIONS:
                    block.experts[index].set_rank(projection, rank_in(entry, layer, projection))


AutoConfig.register(FlexMoREConfig.model_type, FlexMoREConfig)
AutoModelForCausalLM.register(FlexMoREConfig, FlexMoREForCausalLM)
