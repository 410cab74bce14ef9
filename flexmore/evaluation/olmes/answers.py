"""Score answers in the model's own words: exact match and F1, as SQuAD and as DROP define them.

Every function that a YAML names takes a document and a list with the model's text, and returns both metrics. An edit of
the code here changes the fingerprint of every task that uses it (`flexmore.evaluation.tasks.settings_text`).
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Return exact match and F1 over words (Rajpurkar et al. 2016), the best over the document's answers."""
    given = normalized(results[0])
    right = [normalized(answer) for answer in doc["answers"]]
    return {
        "exact_match": float(any(given == answer for answer in right)),
        "f1": max(_f1(Counter(given.split()), Counter(answer.split())) for answer in right),
    }


def drop(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Return exact match and F1 over bags of words whose numbers must agree (Dua et al. 2019).

    A model's text is one span. It is compared with the best fitting span of an answer, and the answer's other spans
    count as missed. Both metrics are the best over the document's answers; F1 has two decimals, as in the official
    script.
    """
    given = normalized_with_numbers(results[0])
    exact, f1 = 0.0, 0.0
    for spans in doc["answers"]:
        if spans[0].strip():
            right = [normalized_with_numbers(span) for span in spans]
            exact = max(exact, float([given] == right))
            best = max(_f1_with_numbers(set(given.split()), set(span.split())) for span in right)
            f1 = max(f1, round(best / len(right), 2))
    return {"exact_match": exact, "f1": f1}


def normalized(text: str) -> str:
    """Return a text in lower case, without punctuation and articles, with single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def normalized_with_numbers(text: str) -> str:
    """Return a text as `normalized`, word by word (a hyphen separates words), with all numbers written as floats."""
    return " ".join(filter(None, (_word(token) for token in re.split(r"[ -]", text.lower()))))


def _word(token: str) -> str:
    bare = token if _is_number(token) else token.translate(_PUNCTUATION)
    bare = str(float(bare)) if _is_number(bare) else bare
    return " ".join(_ARTICLES.sub(" ", bare).split())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _f1(given: Counter[str], right: Counter[str]) -> float:
    shared = (given & right).total()
    if not shared:
        return 0.0
    return 2 * shared / (given.total() + right.total())


def _f1_with_numbers(given: set[str], right: set[str]) -> float:
    numbers = {word for word in right if _is_number(word)}
    if numbers and not numbers & given:
        return 0.0
    shared = len(given & right)
    precision = shared / len(given) if given else 1.0
    recall = shared / len(right) if right else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
