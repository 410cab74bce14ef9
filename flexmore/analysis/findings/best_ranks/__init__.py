"""Which rank is best: chosen on some items, judged on others, from public and from full."""
