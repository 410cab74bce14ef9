"""FlexOlmo: OLMo-2 with a router and experts in the place of each feed-forward network; expert 0 is the public one."""

from dataclasses import replace

from flexmore.architectures.olmo2 import OLMO2

EXPERT_KEYS = ("num_experts", "num_experts_per_tok", "num_local_experts")
"""The keys of `config.json` that say how many experts there are; the last is transformers' other name of the first."""

FLEX_OLMO = replace(
    OLMO2,
    model_type="flex_olmo",
    class_name="FlexOlmoForCausalLM",
    defaults=(
        ("attention_bias", False),
        ("hidden_act", "silu"),
        ("max_position_embeddings", 4096),
        ("rms_norm_eps", 1e-6),
        ("rope_theta", 500_000.0),
        ("tie_word_embeddings", False),
    ),
    mixture_keys=(*EXPERT_KEYS, "norm_topk_prob", "output_router_logits", "router_aux_loss_coef"),
    mixing_defaults=(("norm_topk_prob", False),),
)
