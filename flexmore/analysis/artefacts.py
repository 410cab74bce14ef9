"""What the analysis makes, by name; imports nothing, so that a workflow reads it at no cost."""

MEASURED = (
    "scores.parquet", "scores.csv", "items.parquet", "controls.csv", "quarantine.csv", "versions.csv",
    "spectra.parquet", "adapters.csv",
)  # fmt: skip
"""`tables/<name>`, gathered by `collect`: all that tables, figures and pages are made from."""
TABLES = (
    "averages", "gains", "gains_by_task", "r95", "skills", "regression", "regression_fits", "shapes", "selections",
    "heldout", "comparisons", "optima", "joint", "parameters", "budget", "additivity", "noise", "predictions", "seeds",
    "gaps",
)  # fmt: skip
"""`tables/<name>.csv`, made by `analyze`."""
FIGURE_KINDS = {
    "domain_gain": "which rank suffices",
    "r95": "which rank suffices",
    "score_by_rank": "scores and gains",
    "heatmap": "scores and gains",
    "heatmap_groups": "scores and gains",
    "joint_by_rank": "joint mixtures",
    "rules": "choosing ranks",
    "parameters": "choosing ranks",
    "budget": "choosing ranks",
    "spectra": "deltas",
    "error_by_rank": "deltas",
}
FIGURES = tuple(FIGURE_KINDS)
"""`figures/<name>.png` and `.svg`, made by `draw`; captions are `workflow/report/<name>.rst`."""
PAGES = ("README.md", "explore.html")
"""Beside `tables/` and `figures/`, made by `draw`: the report to read, and the page to explore."""
