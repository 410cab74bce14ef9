"""When an answer counts as unread, and when scores cannot be told from guessing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from flexmore.evaluation.alarms import at_chance, binomial_p, is_unread, unread_alarm


@pytest.mark.parametrize(
    ("text", "parsed", "unread"),
    [("", "", True), (" \n", " ", True), ("so seven", "seven", False), ("hm", "[invalid]", True), ("hm", "", True)],
)
def test_empty_and_not_parsed_answers_are_unread_and_wrong_ones_not(text: str, parsed: str, unread: bool) -> None:
    assert is_unread(text, parsed) == unread


def test_more_than_a_fifth_is_an_alarm() -> None:
    assert unread_alarm(20, 100) is None
    assert unread_alarm(21, 100) == "21 of 100 answers are empty or not parsed"


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.05, 0.95))
def test_the_p_value_is_scipys(found: tuple[int, int], chance: float) -> None:
    right, n = found
    assert binomial_p(right, n, chance) == pytest.approx(binomtest(right, n, chance).pvalue, rel=1e-5, abs=1e-12)


def test_guessing_is_told_from_not_guessing() -> None:
    generator = random.Random(0)

    def guesses(p: float) -> list[float]:
        return [sum(generator.random() < p for _ in range(100)) / 100 for _ in range(20)]

    false = sum(not at_chance(guesses(0.25), 100, 0.25) for _ in range(200))
    assert false <= 20  # 5 % of 200, and what 200 draws allow
    assert not any(at_chance([*guesses(0.25), 0.5], 100, 0.25) for _ in range(20))
    assert not any(at_chance([*guesses(0.25), 0.02], 100, 0.25) for _ in range(20))  # nor is far below chance guessing


def test_too_few_items_say_nothing() -> None:
    assert not at_chance([0.2] * 6, 10, 0.25)
    assert at_chance([0.2] * 6, 100, 0.25)
