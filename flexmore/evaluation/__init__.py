"""Mixtures evaluated on lm-eval's tasks: suites, the lm-eval model, sweeps, their scores and answers."""
