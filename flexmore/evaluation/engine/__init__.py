"""The lm-eval model: requests tokenized, batched and answered with what they share computed once."""
