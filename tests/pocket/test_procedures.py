"""The procedures' answers against arithmetic, interpreters and sorting written differently."""

from random import Random

import pytest

from flexmore.pocket.procedures import EASY, HARD, Echoes, Programs, Sorts, Sums, draw, execute
from flexmore.pocket.vocabulary import DOMAIN_WORDS, REGISTER, vocabulary

ALL = [procedure for pools in (EASY, HARD) for pool in pools.values() for part in pool for procedure in part]


def _number(digits: str) -> int:
    return int("".join(reversed(digits.split())))


def _register(program) -> list[int]:
    """What each operation of a program meets."""
    start, trace = program.question.split()[1], program.steps.removesuffix(" leaves").split(" , ")
    return [REGISTER.index(value) for value in (start, *trace[:-1])]


def test_a_hand_solved_sum():
    problem = next(p for p in (Sums(2, 2).sample(Random(i)) for i in range(10_000)) if p.question == "sum 7 4 + 8 9 =")
    assert problem.answer == "5 4 1"
    assert problem.steps == "7 8 5 1 ; 4 9 4 1 total"


@pytest.mark.parametrize(("digits", "carries"), [(2, 1), (2, 2), (3, 1), (3, 3), (3, 0), (3, None)])
def test_sums_add_up_and_carry_as_often_as_said(digits, carries):
    rng = Random(digits)
    for _ in range(200):
        problem = Sums(digits, carries).sample(rng)
        left, right = problem.question.removeprefix("sum ").removesuffix(" =").split(" + ")
        assert _number(problem.answer) == _number(left) + _number(right)
        steps = problem.steps.removesuffix(" total").split(" ; ")
        found = sum(step.split()[3] == "1" for step in steps)
        assert found == carries if carries is not None else found >= 1
        assert " ".join(step.split()[2] for step in steps) == problem.answer[: 2 * digits - 1]


def test_bounded_digits_stay_in_their_bounds():
    rng = Random(0)
    for _ in range(100):
        question = Sums(3, lowest=4, highest=7).sample(rng).question
        assert set(question) <= set("sum +=4567")


def test_programs_do_what_their_operations_say():
    assert execute(3, ["dec", "inc2", "dec2", "inc3"]) == [2, 4, 2, 5]
    assert execute(7, ["tri", "sq", "half", "rot"]) == [1, 1, 0, 7]
    assert execute(4, ["inc", "dbl", "neg", "flip"]) == [5, 0, 0, 1]
    with pytest.raises(ValueError, match=r"'add' is no operation; one of inc, dec"):
        execute(0, ["add"])


def test_a_program_answered_at_once_has_all_values_but_the_last_in_its_question():
    rng = Random(7)
    for _ in range(100):
        problem = Programs(3).sample(rng)
        start, *program = problem.worked_question.removeprefix("trace ").removesuffix(" ->").split()
        first, second, third = (REGISTER[value] for value in execute(REGISTER.index(start), program))
        assert problem.question == f"run {start} {' '.join(program)} -> {first} , {second} ,"
        assert problem.answer == third


def test_public_problems_keep_to_small_digits_and_the_publics_words():
    rng = Random(1)
    for _ in range(200):
        _, program = draw(EASY["code"].worked, rng)
        assert max(_register(program)) <= 4
        _, problem = draw(EASY["creative"].direct, rng)
        assert problem.question.startswith("echo") or not set(problem.question.split()) & set(DOMAIN_WORDS)
        _, total = draw(EASY["math"].worked, rng)
        assert all(
            step.split()[3] == "0" or max(step[:3]) <= "6" for step in total.steps.removesuffix(" total").split(" ; ")
        )


def test_domain_programs_meet_large_digits():
    rng = Random(6)
    for _ in range(200):
        assert max(_register(Programs(3).sample(rng))) > 4
        assert _register(Programs(3, register="large").sample(rng))[0] > 4


def test_sorting_sorts_and_its_steps_insert_one_word_after_another():
    rng = Random(2)
    for order in ("random", "falling"):
        for _ in range(100):
            problem = Sorts(4, order=order).sample(rng)
            given = problem.question.removeprefix("sort ").removesuffix(" :").split()
            assert problem.answer.split() == sorted(given) != given
            assert problem.steps.removesuffix(" order").split(" | ") == [" ".join(sorted(given[:k])) for k in (1, 2, 3)]
            assert order == "random" or given == sorted(given, reverse=True)


@pytest.mark.parametrize("procedure", ALL, ids=str)
def test_candidates_are_different_and_hold_the_answer(procedure):
    rng = Random(3)
    for count in (4, 5, 10):
        problem = procedure.sample(rng)
        choices = procedure.candidates(problem, count, rng)
        assert problem.answer in choices
        assert len(choices) == len(set(choices))
        three_words = isinstance(procedure, Sorts | Echoes) and procedure.length == 3
        assert len(choices) == (min(count, 6) if three_words else count)


@pytest.mark.parametrize("procedure", ALL, ids=str)
def test_every_word_is_in_the_vocabulary(procedure):
    rng, words = Random(4), set(vocabulary())
    for _ in range(50):
        assert set(" ".join(procedure.sample(rng).worked()).split()) <= words


def test_the_split_keeps_a_third_and_never_the_definitions():
    rng = Random(5)
    problems = {p.question: p for p in (Sums(3).sample(rng) for _ in range(3000))}
    share = sum(p.for_tests() for p in problems.values()) / len(problems)
    assert 0.3 < share < 0.37
    assert not any(Programs(1).sample(rng).for_tests() for _ in range(300))
    for tests in (True, False):
        assert all(draw(HARD["code"].worked, rng, tests=tests)[1].for_tests() is tests for _ in range(50))
