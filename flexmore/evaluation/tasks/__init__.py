"""lm-eval's tasks: loaded, prepared, scored and fingerprinted."""
