"""The names of all tables, and what a row of each is; imports nothing, so that a workflow reads it at no cost."""

COLLECTED = (
    "scores.parquet", "scores.csv", "items.parquet", "clusters.parquet", "controls.csv", "versions.csv",
    "spectra.parquet", "adapters.csv",
)  # fmt: skip
"""`tables/<name>`, gathered by `collect`: all that other tables, figures and pages are made from."""

TABLE_ROWS = {
    "averages": "a mixture: its mean on each group, and their mean",
    "pairs": "an expert at a rank: its average and its gain over public, as the paper lists them",
    "gains": "a mixture on the average, a skill, a group or a domain: its gain over public with its interval",
    "gains_by_task": "the same on a single task",
    "chosen": "an expert (or all) on a scope: the rank chosen on half of the items, judged on the others",
    "skill_ranks": "an expert (or all): whether reasoning's best rank is higher than knowledge's",
    "optima": "an expert (or all) on a scope: the best rank, and whether it is an optimum",
    "r95": "an expert on the average, its domain, a skill or a group: r95 and the rank of half the gain",
    "skills": "an expert: reasoning less knowledge, in doublings of rank; `all`: the mean and its test",
    "regression": "a coefficient of the paper's reading",
    "regression_fits": "a fit of the paper's reading: its vertex with a Fieller interval",
    "shapes": "a fit: how it predicts held-out items beside two others",
    "selections": "a rule and an expert: the rank, and how far behind the highest average",
    "heldout": "a rule and an expert: its gain on the items that chose and on others",
    "contrasts": "a joint mixture of selected ranks against public or full: a planned test",
    "comparisons": "two joint mixtures: their difference, tests, what could be detected",
    "best_ranks": "an expert on a scope: the highest score and the interval of its place, beside r95",
    "joint": "a joint mixture: average, gain, and how much of each expert's gain it keeps",
    "parameters": "a mixture: parameters and average; which no smaller one beats",
    "budget": "a point of the Pareto front: the ranks of the highest sum of pair gains",
    "additivity": "a joint mixture: its gain beside the sum of its pairs' gains",
    "noise": "an expert: the largest rank less full",
    "predictions": "a prediction and what it is about: measured, and whether it holds",
    "seeds": "a quantity of one training seed",
    "unread": "a mixture on a task: how many of its answers are empty or have none found in them",
    "cut": "a task of which prompts did not fit the context and were cut",
    "at_chance": "a task of choices: chance, the lowest and the highest score, whether every mixture is at chance",
    "gaps": "a mixture that a complete grid would have",
}
TABLES = tuple(TABLE_ROWS)
"""`tables/<name>.csv`, made by `analyze` (`flexmore.analysis.all_tables`), in this order."""

ALL = "all"
"""In a column of experts: the row is about all of them."""

TEXT_COLUMNS = {
    "mixture", "other", "kind", "experts", "expert", "rank", "effective_rank", "scope", "name", "verdict", "measure",
    "r95", "r95_low", "r95_high", "r95_tasks_low", "r95_tasks_high", "r95_reason", "half_reason", "reading",
    "response", "term", "note", "best_fit", "optimum", "reason", "rule", "reads", "best_rank", "held_out_ranks",
    "closer", "against", "reasoning_rank", "knowledge_rank", "rank_low", "rank_high", "tasks_call", "plateau", "call",
    "prediction", "subject", "measured", "holds", "quantity", "seed", "text", "says", "task", "group", "at_chance",
}  # fmt: skip
"""The columns of `TABLES` that hold words or ranks: an empty cell there is an empty text, not a missing number."""
