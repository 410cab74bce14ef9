"""Answers that are unread: empty, or with no answer found in them. They are wrong, and counted."""

from collections.abc import Sequence

_FALLBACK = "[invalid]"
"""What lm-eval's filters return where they find nothing."""


def is_unread(text: str, parsed: str) -> bool:
    """Tell whether an answer is empty, or lm-eval's filters (or the task's own reading) found none in it."""
    return not text.strip() or not parsed.strip() or parsed.strip() == _FALLBACK


def first_text(filtered: object) -> str:
    """Return what filters found in one response as text; empty where they found nothing."""
    if isinstance(filtered, Sequence) and not isinstance(filtered, str):
        return first_text(filtered[0]) if filtered else ""
    return "" if filtered is None else str(filtered)
