"""OLMo-2: dense; norms stand after attention and after the feed-forward network, queries and keys are normed."""

from flexmore.architectures.architecture import Architecture

OLMO2 = Architecture(
    model_type="olmo2",
    class_name="Olmo2ForCausalLM",
    dense="olmo2",
    layer_norms=("post_attention_layernorm", "post_feedforward_layernorm"),
    query_key_norms="width",
    forward_keys=("vocab_size", "hidden_act", "rms_norm_eps", "max_position_embeddings", "tie_word_embeddings"),
    fixed=(("attention_bias", False),),
)
