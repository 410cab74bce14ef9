"""The columns of the tidy table of scores and of the table of items."""

TEXT = ("mixture", "kind", "experts", "rank", "effective_rank", "group", "domain", "task", "metric")
WHOLE = ("active", "n", "parameters")
REAL = ("score", "stderr")
COLUMNS = (
    "mixture", "kind", "experts", "rank", "effective_rank", "active", "group", "domain", "task", "metric",
    "score", "stderr", "n", "parameters",
)  # fmt: skip
"""Of the tidy table of scores: a row per mixture and task."""
MIXTURE = ("kind", "experts", "rank", "effective_rank", "active", "parameters")
"""Those that are the same in every row of a mixture."""
ITEM_COLUMNS = ("mixture", "task", "items")
"""Of the table of items: a row per mixture and task, `items` a list of the values of its items."""
KINDS = ("baseline", "pair", "joint", "extra", "control")
"""The kinds of mixture, in the order of the table."""
