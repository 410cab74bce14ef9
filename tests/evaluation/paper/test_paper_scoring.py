"""Scoring compared with other code: SQuAD's metrics of transformers, DROP's of lm-eval; BBH's rule by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.tasks.drop.utils import get_metrics
from transformers.data.metrics.squad_metrics import compute_exact, compute_f1

from flexmore.evaluation.olmes.answers import drop, squad
from flexmore.evaluation.olmes.bbh import read_answer

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
