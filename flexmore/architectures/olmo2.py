"""OLMo-2: dense; norms stand after attention and after the feed-forward network, queries and keys are normed."""

from flexmore.architectures.architecture import Architecture

OLMO2 = Architecture(
    model_type="olmo2",
    class_name="Olmo2ForCausalLM",
    dense="olmo2",
    layer_norms=("post_attention_layernorm", "post_feedforward_layernorm"),
    query_key_norms="width",
    defaults=(
        ("attention_bias", False),
        ("hidden_act", "silu"),
        ("max_position_embeddings", 2048),
        ("rms_norm_eps", 1e-5),
        ("rope_theta", 10_000.0),
        ("tie_word_embeddings", False),
    ),
    fixed=(("attention_bias", False),),
)
