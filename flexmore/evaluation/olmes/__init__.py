"""The code that YAMLs of the paper's tasks (`flexmore/evaluation/paper/`) name: prompts, answers, shots as in OLMES."""
