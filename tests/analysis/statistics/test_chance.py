"""When scores cannot be told from guessing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from flexmore.analysis.statistics.chance import at_chance, binomial_p_value


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.05, 0.95))
def test_the_p_value_is_scipys(found: tuple[int, int], chance: float) -> None:
    right, n = found
    expected = binomtest(right, n, chance).pvalue
    assert binomial_p_value(right, n, chance) == pytest.approx(expected, rel=1e-5, abs=1e-12)


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
