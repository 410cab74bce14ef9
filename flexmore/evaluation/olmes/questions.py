"""Questions answered in the model's own words (Gen5): a function for each data set puts its rows into OLMES' form.

An item has `query`, `target` (the text after it if it is a shot), `answers` (what counts as right), and `passage` where
several items are about the same one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flexmore.evaluation.olmes.items import Item, Items, Row, items_of

if TYPE_CHECKING:
    from datasets import Dataset


def squad(rows: "Dataset") -> Items:
    """Return the items of SQuAD v1.1: title, background and question."""

    def item(row: Row) -> Item:
        query = f"Title: {row['title']}\nBackground: {row['context']}\nQuestion: {row['question']}\nAnswer:"
        answers = list(row["answers"]["text"])
        return {"query": query, "target": answers[0], "answers": answers, "passage": row["context"]}

    return items_of(rows, item)


def triviaqa(rows: "Dataset") -> Items:
    """Return the items of TriviaQA without its documents; every alias counts, as written and normalized."""

    def item(row: Row) -> Item:
        known = row["answer"]
        answers = list(dict.fromkeys([*known["aliases"], *known["normalized_aliases"]]))
        return {"query": _asked(row["question"]), "target": known["value"], "answers": answers}

    return items_of(rows, item)


def naturalqs(rows: "Dataset") -> Items:
    """Return the items of Natural Questions (open); a shot names all its answers."""

    def item(row: Row) -> Item:
        answers = list(row["answer"])
        spans = [[answer] for answer in answers]
        return {"query": _asked(row["question"]), "target": ", ".join(answers), "answers": spans}

    return items_of(rows, item)


def drop(rows: "Dataset") -> Items:
    """Return the items of DROP; an annotator's answer is a number, a date, or spans that must all be named."""

    def item(row: Row) -> Item:
        checked = row["validated_answers"]
        given = [{key: checked[key][i] for key in ("number", "date", "spans")} for i in range(len(checked["number"]))]
        spans = list(dict.fromkeys(_spans(answer) for answer in [row["answer"], *given]))
        answers = [list(answer) for answer in spans]
        query = f"Passage: {row['passage']}\nQuestion: {row['question']}\nAnswer:"
        return {"query": query, "target": ", ".join(spans[0]), "answers": answers, "passage": row["passage"]}

    return items_of(rows, item)


def coqa(rows: "Dataset") -> Items:
    """Return the items of CoQA: each turn of a conversation, after those before it, with all annotators' answers."""
    turns = [(row, turn) for row, asked in enumerate(rows["questions"]) for turn in range(len(asked["input_text"]))]
    return Items(turns, lambda place: _turn(rows[place[0]], place[1]))


def _turn(row: Row, turn: int) -> Item:
    asked, told = row["questions"]["input_text"], row["answers"]["input_text"]
    before = "".join(f"\n\nQuestion: {asked[i]}\nAnswer: {told[i]}" for i in range(turn))
    known = f"Passage: {row['story']}" + (f"\n\nPreceding questions:{before}" if before else "")
    others = [answers["input_text"][turn : turn + 1] for answers in row["additional_answers"].values()]
    answers = [told[turn], *(answer for given in others for answer in given if answer)]
    query = f"{known}\n\nFinal question:\n\nQuestion: {asked[turn]}\nAnswer:"
    return {"query": query, "target": told[turn], "answers": answers, "passage": row["story"]}


def _asked(question: str) -> str:
    return f"Question: {question}\nAnswer:"


def _spans(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what one DROP annotator answered, as spans."""
    if answer["number"]:
        return (str(answer["number"]),)
    if answer["spans"]:
        return tuple(answer["spans"])
    return (" ".join(answer["date"][part] for part in ("day", "month", "year")).strip(),)
