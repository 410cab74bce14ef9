"""The columns of the tidy table of scores and of the table of items."""

TEXT = ("mixture", "kind", "experts", "rank", "effective_rank", "group", "domain", "task", "metric", "answer")
WHOLE = ("active", "n", "parameters")
COUNTS = ("unread", "cut")
"""Whole numbers that are missing where they are not known."""
REAL = ("score", "stderr", "chance")
REQUIRED = (
    "mixture", "kind", "experts", "rank", "effective_rank", "active", "group", "domain", "task", "metric",
    "score", "stderr", "n", "parameters",
)  # fmt: skip
"""Those that every tidy table of scores has."""
OPTIONAL = ("answer", "unread", "cut", "chance")
"""Those that a table made elsewhere may lack: they are empty there, or missing."""
COLUMNS = (*REQUIRED, *OPTIONAL)
"""Of the tidy table of scores: a row per mixture and task."""
MIXTURE = ("kind", "experts", "rank", "effective_rank", "active", "parameters")
"""Those that are the same in every row of a mixture."""
ITEM_COLUMNS = ("mixture", "task", "items")
"""Of the table of items: a row per mixture and task, `items` a list of the values of its items."""
CLUSTER_COLUMNS = ("task", "clusters")
"""Of the table of clusters: a row per task that declares them, `clusters` a list of the cluster of each item."""
ANSWERS = ("chosen", "written")
"""How a task is answered: choices are scored, or text is generated; empty where it is not known."""
KINDS = ("baseline", "pair", "joint", "extra", "control")
"""The kinds of mixture, in the order of the table."""
