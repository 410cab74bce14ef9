"""Mixtures answered by lm-eval's tasks: suites, the lm-eval model, the score cache, the runner of a sweep."""
