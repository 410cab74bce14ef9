"""What the analysis makes, by name; imports nothing, so that a workflow reads it at no cost."""

TABLES = (
    "averages", "gains", "r95", "regression", "regression_fits", "selections", "optima", "joint",
    "parameters", "predictions",
)  # fmt: skip
"""`tables/<name>.csv`, made by `analyze`."""
FIGURES = (
    "score_by_rank", "heatmap", "heatmap_groups", "joint_by_rank", "parameters", "spectra", "error_by_rank",
    "domain_gain",
)  # fmt: skip
"""`figures/<name>.png` and `.svg`, made by `draw`; captions are `workflow/report/<name>.rst`."""
