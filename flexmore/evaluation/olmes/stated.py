"""The answer that a worked BBH solution states, whole: a second reading beside OLMES' rule, without its quirks.

Read is what follows the last `answer is`, to the end of its sentence, and nothing else of the solution. Numbers keep
their sign, words their apostrophes and hyphens, and a sentence that names several answers (`(A) or (B)`) states none;
what comes after `since`, `because` or `not` is no answer.
"""

import re

LETTER = "letter"
_KINDS = {
    "boolean_expressions": "true|false",
    "causal_judgement": "yes|no",
    "dyck_languages": "brackets",
    "formal_fallacies": "invalid|valid",
    "multistep_arithmetic_two": "number",
    "navigate": "yes|no",
    "object_counting": "number",
    "sports_understanding": "yes|no",
    "web_of_lies": "yes|no",
    "word_sorting": "words",
}
"""Task -> kind of answer, or the words that it may be; a letter in all other tasks."""

_SENTENCE = re.compile(r"answer is\b:?\s*(.+?)(?:\.?\s*(?:\n|$)|\.\s)", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\d.])-?\d+(?:,\d{3})*(?:\.\d+)?")
_REASON = re.compile(r"\b(?:since|because|not)\b", re.IGNORECASE)
_MARKS = "*`\"'\u201c\u201d\u2018\u2019 \t"  # with curly quotes
_MINUS = "\u2212"


def states(task: str, solution: str, answer: str) -> bool:
    """Tell whether a solution states the answer, and no other one."""
    sentences = _SENTENCE.findall(solution)
    if not sentences:
        return False
    if right := whole_answer(task, answer):
        return right == whole_answer(task, sentences[-1])
    return bool(sentences[-1].strip(_MARKS).lower() == answer.strip().lower())  # some rows' answers are none of theirs


def whole_answer(task: str, text: str) -> str:
    """Return the one answer in a text, in one way of writing; empty if there is none, or are several."""
    kind, text = _KINDS.get(task, LETTER), text.replace(_MINUS, "-").strip(_MARKS)
    if kind != "words":
        text = _REASON.split(text)[0]
    match kind:
        case "letter":
            found = re.findall(r"\(([A-Z])\)", text.upper()) or re.findall(r"^([A-Z])\W*$", text)
        case "number":
            found = [number.replace(",", "") for number in _NUMBER.findall(text.rpartition("=")[2])]
        case "words":
            found = [" ".join(word.strip(_MARKS + ".") for word in re.split(r"[\s,]+", text.lower())).strip()]
        case "brackets":
            found = ["".join(re.findall(r"[\[\](){}<>]", text))]
        case words:
            found = re.findall(rf"\b({words})\b", text.lower())
    return found[0] if len(set(found)) == 1 else ""
