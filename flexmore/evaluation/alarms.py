"""Reasons to doubt a result while it is evaluated: most answers are unread, or the model's logits are not finite.

A doubtful score is quarantined: kept, listed, and left out of every table (`flexmore.analysis.tables.quarantine`).
"""

UNREAD = 0.2
"""The share of empty or not parsed answers above which a score is doubtful; a wrong answer is neither."""
NOT_FINITE = "the model's logits are NaN or infinite"
_FALLBACK = "[invalid]"


def is_unread(text: str, parsed: object) -> bool:
    """Tell whether an answer is empty, or lm-eval's filters (or the task's own reading) found none in it."""
    return not text.strip() or not str(parsed).strip() or parsed == _FALLBACK


def unread_alarm(unread: int, n: int) -> str | None:
    """Return why a score is doubtful if `unread` of `n` answers are too many, else None."""
    return f"{unread} of {n} answers are empty or not parsed" if unread > UNREAD * n else None
