"""Scoring compared with other code: SQuAD's metrics of transformers, DROP's of lm-eval; BBH's rule by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.tasks.drop.utils import get_metrics
from transformers.data.metrics.squad_metrics import compute_exact, compute_f1

from flexmore.evaluation.olmes.answers import drop, squad
from flexmore.evaluation.olmes.bbh import exact_match, read_answer

WORDS = [
    "the",
    "A",
    "an",
    "cat",
    "Cat's",
    "dog-house",
    "3",
    "3.0",
    "3,000",
    "3000",
    "-",
    "“quoted”",
    "U.S.",
    "1821.",
    "(x)",
]
PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)


@given(said=PHRASES, right=st.lists(PHRASES, min_size=1, max_size=3))
def test_squad(said: str, right: list[str]) -> None:
    found = squad({"answers": right}, [said])
    assert found["exact_match"] == max(compute_exact(answer, said) for answer in right)
    scores = [compute_f1(answer, said) for answer in right]
    if found["f1"] or max(scores) < 1:  # of two answers that normalize to nothing the first script made 0
        assert found["f1"] == pytest.approx(max(scores))


@given(said=PHRASES, spans=st.lists(PHRASES, min_size=1, max_size=3))
def test_drop(said: str, spans: list[str]) -> None:
    found = drop({"answers": [spans]}, [said])
    exact, f1 = get_metrics(said, spans)
    assert found == {"exact_match": exact, "f1": pytest.approx(f1, abs=1e-9)}


@pytest.mark.parametrize(
    ("task", "solution", "answer"),
    [
        ("snarks", "If we look at (A), it is fine. So the answer is (B).", "(B)"),
        ("snarks", "So the answer is (A). No: so the answer is (B).", "(B)"),  # the last one
        ("snarks", "The answer is (A), since (B) is wrong.", "(A)"),  # after telling words, not the last letter
        ("snarks", "Answer: it must be (B)", "(B)"),
        ("snarks", "So the answer is B.", "(B)"),  # brackets forgotten
        ("snarks", "I like (A) more than B", "(A)"),
        ("snarks", "No idea.", ""),
        ("boolean_expressions", "So the answer is True.", "True"),
        ("boolean_expressions", "True and False is False", "False"),
        ("multistep_arithmetic_two", "2 * 3 = 6. So the answer is -6.", "-6"),
        ("object_counting", "1 + 2 = 3 things", "3"),
        ("dyck_languages", "So the answer is ] ) }.", "] ) }"),
        ("word_sorting", "So the answer is costume counterpart oven.", "costume counterpart oven"),
        ("navigate", "We are back. So the answer is Yes.", "Yes"),
        ("web_of_lies", "", ""),
    ],
)
def test_bbh(task: str, solution: str, answer: str) -> None:
    assert read_answer(task, solution) == answer


QUIRKS = [  # task, solution, right answer, by OLMES' rule, as stated
    ("multistep_arithmetic_two", "So the answer is 24.", "-24", 1, 0),  # signs do not count
    ("multistep_arithmetic_two", "So the answer is -24.", "24", 1, 0),
    ("multistep_arithmetic_two", "So the answer is -24.", "-24", 1, 1),
    ("multistep_arithmetic_two", "So the answer is \u221224.", "-24", 1, 1),
    ("multistep_arithmetic_two", "The answer is 4 - 28 = -24.", "-24", 0, 1),  # the first number after `answer is`
    ("word_sorting", "So the answer is can't cod cot.", "can't cod cot", 0, 1),  # words end at an apostrophe
    ("word_sorting", "So the answer is cod cot can't.", "cod cot can", 1, 0),
    ("word_sorting", "So the answer is at&t, cod, cot.", "at&t cod cot", 0, 1),
    ("snarks", "So the answer is (A) or (B).", "(A)", 1, 0),  # the first of several
    ("snarks", "So the answer is (A), since (B) is meant.", "(A)", 1, 1),
    ("snarks", "So I would say A thing like that.", "(A)", 1, 0),  # any capital letter
    ("ruin_names", "So the answer is (b).", "(B)", 1, 1),
    ("navigate", "So the answer is not known.", "No", 1, 0),  # `no` in a longer word
    ("navigate", "Yes. I do not know.", "No", 1, 0),
    ("navigate", "So the answer is\n\nNo", "No", 1, 1),
    ("formal_fallacies", "So the answer is invalid.", "invalid", 1, 1),
    ("formal_fallacies", "So the answer is not valid.", "valid", 1, 0),
    ("boolean_expressions", "So the answer is **True**.", "True", 1, 1),
    ("dyck_languages", "So the answer is ] ) }.", "] ) }", 1, 1),
    ("object_counting", "So the answer is 1,200. We are done.", "1200", 0, 1),
    ("object_counting", "", "3", 0, 0),
    ("movie_recommendation", "So the answer is Monsters, Inc.", "Monsters, Inc", 0, 1),
]


@pytest.mark.parametrize(("task", "solution", "right", "primary", "stated"), QUIRKS)
def test_the_answer_as_stated_is_kept_beside_olmes_rule(
    task: str, solution: str, right: str, primary: float, stated: float
) -> None:
    found = exact_match({"task": task, "answer": right}, [solution])
    assert found == {"exact_match": primary, "exact_match_stated": stated}
