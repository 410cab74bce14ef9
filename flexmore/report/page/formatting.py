"""Numbers as people read them; lists and tables as Markdown."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

MINUS, DASH, TIMES = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"


def points(share: float, digits: int = 1) -> str:
    """Return a difference of scores in points, with its sign: 0.394 -> +39.4."""
    # + 0.0 makes a rounded -0.0 a zero without a sign
    return f"{round(100 * share, digits) + 0.0:+.{digits}f}".replace("-", MINUS)


def score(share: float, digits: int = 1) -> str:
    """Return a score in points: 0.691 -> 69.1."""
    return f"{100 * share:.{digits}f}"


def gain(row: pd.Series, value: str = "gain", low: str = "low", high: str = "high", digits: int = 1) -> str:
    """Return a gain with its interval; a missing one as a dash."""
    if math.isnan(float(row[value])):
        return DASH
    if math.isnan(float(row[low])):
        return f"{points(row[value], digits)} (no interval)"
    return f"{points(row[value], digits)} ({points(row[low], digits)} to {points(row[high], digits)})"


def number(value: float, digits: int = 1) -> str:
    """Return a plain number; an infinite end of an interval in words, a missing one as a dash."""
    if math.isnan(value):
        return DASH
    if math.isinf(value):
        return "beyond all" if value > 0 else "below all"
    return f"{value:.{digits}f}".replace("-", MINUS)


def count(value: float) -> str:
    """Return a whole number with thousands separated."""
    return f"{round(value):,}"


def probability(p: float) -> str:
    """Return a p value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def span(low: object, high: object) -> str:
    """Return two ends of an interval of ranks; a dash where there is none."""
    if str(low) == "" or str(high) == "":
        return DASH
    return str(low) if low == high else f"{low} to {high}"


def listing(names: Iterable[object]) -> str:
    """Return names as a list in words: a, b and c."""
    words = [str(name) for name in names]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def plural(number_: int, word: str, more: str = "") -> str:
    """Return a number with its noun: 1 seed, 2 seeds."""
    return f"{number_} {word if number_ == 1 else more or word + 's'}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; empty text where there are no rows."""
    lines = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(header) + " |", "| --- " * len(header) + "|", *lines])


def paragraph(sentences: Sequence[str]) -> str:
    """Join sentences into one paragraph."""
    return " ".join(sentences)
