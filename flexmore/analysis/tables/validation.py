"""Checks of a tidy table of scores; the message of a wrong table names the row."""

from collections.abc import Iterator, Sequence

import pandas as pd

from flexmore.analysis.tables.columns import ANSWERS, KINDS, MIXTURE, OPTIONAL, REQUIRED
from flexmore.errors import FlexmoreError


def validate(scores: pd.DataFrame, source: str = "the table of scores", experts: Sequence[str] | None = None) -> None:
    """Check a tidy table.

    Args:
        source: what messages call it.
        experts: the family's; None: whatever the table has.

    Raises:
        FlexmoreError: missing columns or values, unknown kinds or experts, ranks that are none, not one baseline,
            scores or their errors outside 0..1, repeated rows, one mixture or task described in two ways, two
            mixtures that are the same, or a mixture that lacks a task which another has. The message names `source`
            and the first of the rows.
    """
    if missing := [column for column in REQUIRED if column not in scores.columns]:
        raise FlexmoreError(f"{source}: columns missing: {', '.join(missing)}; expected {', '.join(REQUIRED)}")
    if scores.empty:
        raise FlexmoreError(f"{source}: no rows; evaluate at least the public baseline and one pair")
    if unknown := sorted(set(scores["kind"]) - set(KINDS)):
        raise FlexmoreError(f"{source}: unknown kind {', '.join(unknown)}; expected one of {', '.join(KINDS)}")
    for problem in (*_numbers(scores), *_identities(scores), *_experts(scores, experts), *_completeness(scores)):
        raise FlexmoreError(f"{source}: {problem}")


def _numbers(scores: pd.DataFrame) -> Iterator[str]:
    """Yield what is wrong with single cells."""
    checks = (
        ("score", scores["score"].between(0, 1), "scores outside 0..1", "scores are shares, not per cent"),
        (
            "stderr", scores["stderr"].isna() | scores["stderr"].between(0, 1), "standard errors outside 0..1",
            "in shares too, or empty",
        ),
        ("n", scores["n"] >= 1, "counts of items below 1", "n is how many items the score is the mean of"),
        ("active", scores["active"] >= 1, "counts of active experts below 1", "active is num_experts_per_tok"),
        ("parameters", scores["parameters"] >= 1, "counts of parameters below 1", "the mixture's total"),
        ("task", scores["task"] != "", "rows without a task", "every row is one task's score"),
        ("group", scores["group"] != "", "rows without a group", "averages are means of groups"),
    )  # fmt: skip
    for column, good, what, help_ in (*checks, *_optional(scores)):
        if not good.all():
            row = scores[~good].iloc[0]
            yield f"{(~good).sum()} {what}, first {row['mixture']} on {row['task']}: {row[column]}; {help_}"
    numbered = scores["kind"].isin(["pair", "extra"])
    for column in ("rank", "effective_rank"):
        labels = scores[column].astype(str)
        good = ~numbered | (labels == "full") | (labels.str.fullmatch("[0-9]+") & (labels != "0"))
        if not good.all():
            row = scores[~good].iloc[0]
            yield f"{column} of {row['mixture']}: {row[column]!r}; expected a whole number from 1, or full"


def _optional(scores: pd.DataFrame) -> Iterator[tuple[str, pd.Series, str, str]]:
    """Yield checks of the cells of columns that a table may lack: column, which cells are right, what is wrong."""
    there = [column for column in OPTIONAL if column in scores.columns]
    if "answer" in there:
        known = scores["answer"].isin(["", *ANSWERS])
        yield "answer", known, "unknown ways of answering", f"expected {', '.join(ANSWERS)}, or empty"
    for column in ("unread", "cut"):
        if column in there:
            counted = scores[column].astype("float64")
            good = counted.isna() | (counted.between(0, scores["n"]) & (counted % 1 == 0))
            yield column, good, f"counts of {column} items outside 0..n", "of a task's n items, or empty"
    if "chance" in there:
        good = scores["chance"].isna() | scores["chance"].between(0, 1)
        yield "chance", good, "chances outside 0..1", "the mean of 1 / choices, or empty"


def _identities(scores: pd.DataFrame) -> Iterator[str]:
    """Yield what is repeated, or described in two ways."""
    twice = scores[scores.duplicated(["mixture", "task"])]
    if not twice.empty:
        row = twice.iloc[0]
        yield f"{len(twice)} repeated rows, first {row['mixture']} on {row['task']}; keep one each"
    for key, columns in (("mixture", MIXTURE), ("task", ("group", "domain"))):
        kinds = scores[[key, *columns]].drop_duplicates()
        double = kinds[kinds.duplicated(key)]
        if not double.empty:
            yield f"{key} {double.iloc[0][key]} is described in two ways ({', '.join(columns)}); keep one"
    mixtures = scores[["mixture", *MIXTURE]].drop_duplicates("mixture")
    same = mixtures[mixtures.duplicated(["kind", "experts", "rank", "active"])]
    if not same.empty:
        row = same.iloc[0]
        yield f"mixture {row['mixture']} is there under another name: same kind, experts, rank and active; keep one"


def _experts(scores: pd.DataFrame, experts: Sequence[str] | None) -> Iterator[str]:
    """Yield which experts are wrong."""
    mixtures = scores.drop_duplicates("mixture")
    single = mixtures[mixtures["kind"].isin(["pair", "extra", "control"])]
    wrong = single[(single["experts"] == "") | single["experts"].str.contains("+", regex=False)]
    if not wrong.empty:
        row = wrong.iloc[0]
        yield f"experts of {row['mixture']}: {row['experts']!r}; a {row['kind']} has one expert beside public"
    named = {name for names in mixtures["experts"] for name in str(names).split("+") if name}
    known = set(experts) if experts is not None else set(single["experts"])
    if known and (unknown := sorted(named - known)):
        where = "the configuration" if experts is not None else "any pair"
        yield f"unknown experts {', '.join(unknown)}: not in {where}, which has {', '.join(sorted(known))}"


def _completeness(scores: pd.DataFrame) -> Iterator[str]:
    """Yield what is missing, without which no mean is comparable."""
    tasks = set(scores["task"])
    for mixture, own in scores.groupby("mixture", sort=False)["task"]:
        if lacking := sorted(tasks - set(own)):
            yield (
                f"mixture {mixture} lacks {len(lacking)} of {len(tasks)} tasks, first {lacking[0]}; "
                "evaluate it on the whole suite"
            )
    baselines = scores[scores["kind"] == "baseline"]["mixture"].nunique()
    if baselines != 1:
        yield f"{baselines} baselines; expected one, the public model alone (kind baseline)"
