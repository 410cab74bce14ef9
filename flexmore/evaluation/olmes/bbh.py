"""BIG-Bench Hard: worked shots, and the answer parsed from a worked solution by OLMES' rule.

The shots and the line above them are those of the BBH paper's chain-of-thought prompts, which lm-eval contains; their
fingerprint is checked, so that another version of lm-eval cannot change them.
"""

import functools
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from flexmore.errors import FlexmoreError
from flexmore.evaluation.olmes.items import Item, Items, Row, items_of
from flexmore.evaluation.olmes.stated import states
from flexmore.files import fingerprint

if TYPE_CHECKING:
    from datasets import Dataset

SHOTS_FINGERPRINT = "bc2d1edd5cf776916b798a9872464402"
"""The fingerprint of the descriptions and shots of all 27 tasks in lm-eval 0.4.13."""

LETTER = r"\([A-Z]\)"
_WORDS = {
    "boolean_expressions": r"[tT]rue|[fF]alse",
    "causal_judgement": r"[yY]es|[nN]o",
    "dyck_languages": r"[\])}> ]+",
    "formal_fallacies": r"[iI]nvalid|[vV]alid",
    "multistep_arithmetic_two": r"-?\d+",
    "navigate": r"[yY]es|[nN]o",
    "object_counting": r"\d+",
    "sports_understanding": r"[yY]es|[nN]o",
    "web_of_lies": r"[yY]es|[nN]o",
    "word_sorting": r"[a-z ]+",
}
"""Task -> pattern of an answer; in all other tasks it is a letter in brackets."""

_LEADS = (r"(?i)so the answer is ({})", r"(?i)answer is ({})", r"(?i)answer:.*?({})", r"(?i)answer\b.*?({})")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def questions(rows: "Dataset") -> Items:
    """Return the items of one task: question, right answer, and the line above the shots."""
    task = str(rows.config_name)
    about = {"task": task, "description": worked_examples()[task]["description"]}
    return items_of(rows, lambda row: _item(row) | about)


def shots(rows: "Dataset") -> Items:
    """Return the task's worked shots; the data set has none, so they do not depend on its rows."""
    found = worked_examples()[str(rows.config_name)]["samples"]
    return Items(range(len(found)), lambda place: _item(found[place]))


def exact_match(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Return 1 if the answer in the solution is right, else 0: parsed by OLMES' rule, and as the solution states it.

    OLMES' rule ignores case and punctuation, and so the sign of a number; docs/tasks.md lists what else it does.
    `exact_match_stated` is the second reading (`stated.py`).
    """
    given, right = (text.lower() for text in (read_answer(doc["task"], results[0]), doc["answer"]))
    if doc["task"] != "dyck_languages":  # whose answers are punctuation
        given, right = (text.translate(_PUNCTUATION) for text in (given, right))
    stated = states(doc["task"], results[0], doc["answer"])
    return {"exact_match": float(given == right), "exact_match_stated": float(stated)}


def read_answer(task: str, solution: str) -> str:
    """Parse the answer of a worked solution: the last one after the most specific words that occur in it.

    `So the answer is` comes before `answer is`, and that before an answer anywhere.

    Returns:
        The answer, a letter always in brackets; empty if there is none.
    """
    form = _WORDS.get(task, LETTER)
    patterns = [*(lead.format(form) for lead in _LEADS), f"({form})"]
    if form == LETTER:
        patterns.append(r"\b([A-Z])\b")
    patterns.append(f"(?i)({form})")
    found = next((matches[-1] for pattern in patterns if (matches := re.findall(pattern, solution))), "").strip()
    return f"({found})" if form == LETTER and len(found) == 1 else found


exact_match.reads = lambda doc, solution: read_answer(doc["task"], solution)  # type: ignore[attr-defined]
"""The answer that `exact_match` compares; solutions in which there is none are counted as unread."""


@functools.cache
def worked_examples() -> dict[str, dict[str, Any]]:
    """Return for each task its description and samples (input, target), from lm-eval's own BBH tasks.

    Raises:
        FlexmoreError: they are not those of lm-eval 0.4.13.
    """
    import lm_eval

    folder = Path(str(lm_eval.__file__)).parent / "tasks" / "bbh" / "cot_fewshot"
    found = {}
    for path in sorted(folder.glob("[a-z]*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        samples = [{key: sample[key] for key in ("input", "target")} for sample in content["fewshot_config"]["samples"]]
        found[path.stem] = {"description": content["description"], "samples": samples}
    if (of := fingerprint(found)) != SHOTS_FINGERPRINT:
        raise FlexmoreError(
            f"{folder}: found BBH shots with the fingerprint {of}, expected {SHOTS_FINGERPRINT}; "
            "install the lm-eval that pyproject.toml pins"
        )
    return found


def _item(row: Row) -> Item:
    query = f"Question: {row['input']}\nAnswer: Let's think step by step."
    return {"query": query, "target": f"\n{row['target']}", "answer": row["target"]}
