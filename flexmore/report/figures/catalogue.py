"""The names of all figures; imports nothing, so that a workflow reads it at no cost."""

FIGURE_KINDS = {
    "chosen": "what to use",
    "domain_gain": "which rank suffices",
    "r95": "which rank suffices",
    "best_ranks": "which rank suffices",
    "score_by_rank": "scores and gains",
    "heatmap": "scores and gains",
    "heatmap_groups": "scores and gains",
    "joint_by_rank": "joint mixtures",
    "rules": "choosing ranks",
    "parameters": "choosing ranks",
    "budget": "choosing ranks",
    "regression": "the paper's reading",
    "spectra": "deltas",
    "error_by_rank": "deltas",
}
"""The subject of each figure, under which Snakemake's report lists it."""
FIGURES = tuple(FIGURE_KINDS)
"""`figures/<name>.png` and `.svg`, made by `draw`; captions are `workflow/report/<name>.rst`."""
