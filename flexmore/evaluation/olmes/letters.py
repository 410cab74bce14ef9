"""Questions with lettered choices: a function for each data set puts its rows into OLMES' form.

The form is that of OLMES v0.1 as Ai2 released it (allenai/OLMo-Eval, `olmes_v0_1/`): the question, a line ` A. choice`
for each choice, `Answer:`; the model scores ` A`, ` B` and so on. docs/tasks.md names the data sets whose form has
another source.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from flexmore.evaluation.olmes.items import Item, Items, Row, items_of

if TYPE_CHECKING:
    from datasets import Dataset

ALPHABET = "ABCDEFGHIJ"


def letters(question: str, choices: Sequence[str], gold: int, lead: str = "Question: ", between: str = "") -> Item:
    """Return the item of one question.

    Args:
        gold: index of the right choice.
        lead: text before the question.
        between: a line between question and choices.
    """
    listed = "\n".join(f" {letter}. {choice}" for letter, choice in zip(ALPHABET, choices, strict=False))
    query = f"{lead}{question}\n{between}{listed}\nAnswer:"
    return {"query": query, "letters": list(ALPHABET[: len(choices)]), "gold": gold}


def arc(rows: "Dataset") -> Items:
    """Return the items of ARC or CommonsenseQA, whose choices have labels of their own, letters or digits."""
    return items_of(rows, _labelled("question"))


def openbookqa(rows: "Dataset") -> Items:
    """Return the items of OpenBookQA: as ARC, with the question under another name."""
    return items_of(rows, _labelled("question_stem"))


def boolq(rows: "Dataset") -> Items:
    """Return the items of BoolQ: the passage, then the question, yes before no."""

    def item(row: Row) -> Item:
        lead = f"{row['passage']}\nQuestion: "
        made = letters(f"{row['question']}?", ["yes", "no"], 1 - int(row["label"]), lead)
        return made | {"passage": row["passage"]}

    return items_of(rows, item)


def hellaswag(rows: "Dataset") -> Items:
    """Return the items of HellaSwag: continuations; marks of WikiHow pages are removed from the prompt."""

    def item(row: Row) -> Item:
        begun = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
        made = letters(begun, row["endings"], int(row["label"]), "", "Choose the best continuation:\n")
        return made | {"query": _without_marks(made["query"])}

    return items_of(rows, item)


def piqa(rows: "Dataset") -> Items:
    """Return the items of PIQA: a goal and two ways to reach it."""
    return items_of(rows, lambda row: letters(row["goal"], [row["sol1"], row["sol2"]], int(row["label"]), "Goal: "))


def socialiqa(rows: "Dataset") -> Items:
    """Return the items of Social IQa: context and question on one line; labels count from 1."""

    def item(row: Row) -> Item:
        choices = [row["answerA"], row["answerB"], row["answerC"]]
        made = letters(f"{row['context']} {row['question']}", choices, int(row["label"]) - 1)
        return made | {"passage": row["context"]}

    return items_of(rows, item)


def winogrande(rows: "Dataset") -> Items:
    """Return the items of WinoGrande: a blank to fill; answers count from 1."""

    def item(row: Row) -> Item:
        choices = [row["option1"], row["option2"]]
        return letters(row["sentence"].replace("_", "___"), choices, int(row["answer"]) - 1, "Fill in the blank: ")

    return items_of(rows, item)


def mmlu(rows: "Dataset") -> Items:
    """Return the items of MMLU, with the subject, which is named above the shots."""
    return items_of(
        rows, lambda row: letters(row["question"], row["choices"], row["answer"]) | {"subject": row["subject"]}
    )


def agieval(rows: "Dataset") -> Items:
    """Return the items of AGIEval; `passage` is what the question is about, itself where it has no passage."""
    return items_of(rows, _exam)


def _exam(row: Row) -> Item:
    choices = [_bare(option, letter) for option, letter in zip(row["options"], ALPHABET, strict=False)]
    lead = f"Passage: {row['passage']}\nQuestion: " if row["passage"] else "Question: "
    made = letters(row["question"], choices, ALPHABET.index(row["label"]), lead)
    return made | {"passage": " ".join((row["passage"] or row["question"]).split())}


def _bare(option: str, letter: str) -> str:
    """Return an option without its label, which is `(A)` in most exams and `A.`, `A?` or `A ` in some rows."""
    return re.sub(rf"^\s*(\([A-Z]\)\s*|{letter}([.?]\s*|\s+))", "", option)


def _labelled(question: str) -> Callable[[Row], Item]:
    def item(row: Row) -> Item:
        choices = row["choices"]
        return letters(row[question], choices["text"], choices["label"].index(row["answerKey"].strip()))

    return item


def _without_marks(text: str) -> str:
    """Return a text in which `[title]` ends a sentence, other `[marks]` are removed and two spaces are one."""
    text = re.sub(r"\.? \[title\]", ". ", text.strip())
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _mmlu_pro(category: str) -> Callable[["Dataset"], Items]:
    """Return the function that gives one category's items; MMLU-Pro has one table for all categories."""

    def of_category(rows: "Dataset") -> Items:
        places = [place for place, found in enumerate(rows["category"]) if found == category]
        return items_of(rows, lambda row: letters(row["question"], row["options"], row["answer_index"]), places)

    return of_category


mmlu_pro_biology = _mmlu_pro("biology")
mmlu_pro_business = _mmlu_pro("business")
mmlu_pro_chemistry = _mmlu_pro("chemistry")
mmlu_pro_computer_science = _mmlu_pro("computer science")
mmlu_pro_economics = _mmlu_pro("economics")
mmlu_pro_engineering = _mmlu_pro("engineering")
mmlu_pro_health = _mmlu_pro("health")
mmlu_pro_history = _mmlu_pro("history")
mmlu_pro_law = _mmlu_pro("law")
mmlu_pro_math = _mmlu_pro("math")
mmlu_pro_other = _mmlu_pro("other")
mmlu_pro_philosophy = _mmlu_pro("philosophy")
mmlu_pro_physics = _mmlu_pro("physics")
mmlu_pro_psychology = _mmlu_pro("psychology")
