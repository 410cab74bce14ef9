"""Procedures applied to unseen instances: sums with carries, programs of one register, sorting words.

Numbers are written units first, so that a carry is known before the digit that needs it. No two domains share a word.
Problems are the same if their questions are. A third of all questions are kept for the tests and never occur in
training, in any form.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import NamedTuple

from flexmore.pocket.vocabulary import DOMAIN_WORDS, LIST_WORDS, OPERATIONS, PUBLIC_WORDS, REGISTER

DOMAINS = ("math", "code", "creative")
DEFINITION_WORDS = 4


@dataclass(frozen=True)
class Problem:
    """Hold a question and its answer, the question that asks for worked steps, and the steps up to the answer."""

    question: str
    answer: str
    worked_question: str
    steps: str

    def direct(self) -> tuple[str, str]:
        """Return the question and its answer."""
        return self.question, self.answer

    def worked(self) -> tuple[str, str]:
        """Return the question for worked steps, and the steps followed by the answer."""
        return self.worked_question, f"{self.steps} {self.answer}"

    def for_tests(self) -> bool:
        """Tell whether this problem is kept for the tests.

        The shortest problems (one operation) define their language and are never tested.
        """
        if len(self.question.split()) <= DEFINITION_WORDS:
            return False
        return blake2b(self.question.encode(), digest_size=4).digest()[0] % 3 == 0


@dataclass(frozen=True)
class Sums:
    """Draw sums of two numbers.

    Attributes:
        digits: of each number.
        carries: exactly so many; None for one or more.
        lowest: digit of the two numbers.
        highest: digit of the two numbers.
    """

    digits: int
    carries: int | None = None
    lowest: int = 0
    highest: int = 9

    def sample(self, rng: Random) -> Problem:
        """Draw a problem."""
        while True:
            left = [rng.randint(self.lowest, self.highest) for _ in range(self.digits)]
            right = [rng.randint(self.lowest, self.highest) for _ in range(self.digits)]
            carry, carries, total, steps = 0, 0, [], []
            for a, b in zip(left, right, strict=True):
                carry, digit = divmod(a + b + carry, 10)
                carries += carry
                total.append(digit)
                steps.append(f"{a} {b} {digit} {carry}")
            if carries == self.carries or (self.carries is None and carries):
                total.append(carry)
                asked = f"{_join(left)} + {_join(right)} ="
                return Problem(f"sum {asked}", _join(total), f"add {asked}", f"{' ; '.join(steps)} total")

    def candidates(self, problem: Problem, count: int, rng: Random) -> list[str]:
        """Return `count` different totals, the right one among them; the others miss a carry or have wrong digits."""
        digits = [int(word) for word in problem.answer.split()]
        wrong: dict[str, None] = {}
        while len(wrong) < count - 1:
            near = list(digits)
            for place in rng.sample(range(len(near)), rng.choice((1, 1, 2))):
                near[place] = (near[place] + rng.choice((-1, 1, 1, 2))) % 10
            wrong.setdefault(_join(near))
        return _shuffled([problem.answer, *wrong], rng)


@dataclass(frozen=True)
class Programs:
    """Draw programs on one register that holds a digit; all arithmetic is modulo ten.

    Where the answer is asked for at once, the question gives the values of all operations but the last: attention,
    which experts cannot change, need not run several operations in one step.

    Attributes:
        length: number of operations.
        register: `small`, where no operation meets a digit above four; `large`, where the first one does; `any`, where
            at least one does.
    """

    length: int
    operations: tuple[str, ...] = OPERATIONS
    register: str = "any"

    def sample(self, rng: Random) -> Problem:
        """Draw a problem."""
        while True:
            start = rng.randrange(10)
            program = [rng.choice(self.operations) for _ in range(self.length)]
            trace = execute(start, program)
            large = [value > 4 for value in (start, *trace[:-1])]
            if {"small": not any(large), "large": large[0], "any": any(large)}[self.register]:
                asked = f"{REGISTER[start]} {' '.join(program)} ->"
                words = [REGISTER[value] for value in trace]
                given = "".join(f" {word} ," for word in words[:-1])
                return Problem(f"run {asked}{given}", words[-1], f"trace {asked}", f"{' , '.join(words)} leaves")

    def candidates(self, problem: Problem, count: int, rng: Random) -> list[str]:
        """Return `count` different values, the right one among them."""
        wrong = rng.sample([value for value in REGISTER if value != problem.answer], count - 1)
        return _shuffled([problem.answer, *wrong], rng)


@dataclass(frozen=True)
class Sorts:
    """Draw lists of `length` different words to sort.

    Attributes:
        order: `random` (never sorted already) or `falling`.
    """

    length: int
    words: tuple[str, ...] = DOMAIN_WORDS
    order: str = "random"

    def sample(self, rng: Random) -> Problem:
        """Draw a problem."""
        chosen = sorted(rng.sample(self.words, self.length))
        given = list(chosen)
        if self.order == "falling":
            given.reverse()
        while self.order == "random" and given == chosen:
            rng.shuffle(given)
        steps = " | ".join(" ".join(sorted(given[: end + 1])) for end in range(self.length - 1))
        asked = f"{' '.join(given)} :"
        return Problem(f"sort {asked}", " ".join(chosen), f"insert {asked}", f"{steps} order")

    def candidates(self, problem: Problem, count: int, rng: Random) -> list[str]:
        """Return `count` orders of the words, or all if there are fewer; the right and the given one are among them."""
        return _orders(problem, count, rng)


@dataclass(frozen=True)
class Echoes:
    """Draw lists of `length` different words to repeat, in the words and the form of sorting."""

    length: int

    def sample(self, rng: Random) -> Problem:
        """Draw a problem."""
        given = rng.sample(LIST_WORDS, self.length)
        steps = " | ".join(" ".join(given[: end + 1]) for end in range(self.length - 1))
        asked = f"{' '.join(given)} :"
        return Problem(f"echo {asked}", " ".join(given), f"repeat {asked}", f"{steps} order")

    def candidates(self, problem: Problem, count: int, rng: Random) -> list[str]:
        """Return `count` orders of the words, as for sorting."""
        return _orders(problem, count, rng)


Procedure = Sums | Programs | Sorts | Echoes


class Pools(NamedTuple):
    """Hold the procedures whose problems are answered at once, and those that are worked out in steps."""

    direct: tuple[Procedure, ...]
    worked: tuple[Procedure, ...]


EASY = {
    "math": Pools((Sums(2, 0), Sums(2, highest=6)), (Sums(2, 0), Sums(2, highest=6), Sums(3, 0), Sums(3, highest=6))),
    "code": Pools(
        (Programs(1, register="small"), Programs(2, register="small")),
        (Programs(2, register="small"), Programs(3, register="small"), Programs(4, register="small")),
    ),
    "creative": Pools(
        (*(Sorts(length, PUBLIC_WORDS) for length in (3, 4, 5)), Echoes(3), Echoes(4), Echoes(5)),
        (Sorts(3, PUBLIC_WORDS), Sorts(4, PUBLIC_WORDS), Echoes(3), Echoes(4)),
    ),
}
"""What public text solves: carries of small digits, programs on small digits, the public's words."""
HARD = {
    "math": Pools((Sums(2, 1), Sums(2, 2)), (Sums(2, 1), Sums(2, 2), Sums(3, 1), Sums(3, 2), Sums(3, 3))),
    "code": Pools((Programs(1), Programs(2)), (Programs(2), Programs(3), Programs(4))),
    "creative": Pools((Sorts(3), Sorts(4), Sorts(5), Sorts(4, LIST_WORDS)), (Sorts(3), Sorts(4), Sorts(4, LIST_WORDS))),
}
"""What a domain's text solves."""


def execute(start: int, program: Sequence[str]) -> list[int]:
    """Return the register after each operation of `program`."""
    register, trace = start, []
    for operation in program:
        register = _apply(operation, register)
        trace.append(register)
    return trace


def draw(procedures: Sequence[Procedure], rng: Random, *, tests: bool = False) -> tuple[Procedure, Problem]:
    """Draw a problem of one of `procedures`, from the problems for training or from those for the tests."""
    while True:
        procedure = rng.choice(procedures)
        problem = procedure.sample(rng)
        if problem.for_tests() == tests:
            return procedure, problem


def _apply(operation: str, value: int) -> int:
    match operation:
        case "inc":
            result = value + 1
        case "dec":
            result = value - 1
        case "inc2":
            result = value + 2
        case "dec2":
            result = value - 2
        case "inc3":
            result = value + 3
        case "rot":
            result = 3 * value + 7
        case "dbl":
            result = 2 * value
        case "tri":
            result = 3 * value
        case "sq":
            result = value * value
        case "neg":
            result = -value
        case "half":
            result = value // 2
        case "flip":
            result = value ^ 1
        case _:
            known = ", ".join(OPERATIONS)
            raise ValueError(f"{operation!r} is no operation; one of {known}")
    return result % 10


def _orders(problem: Problem, count: int, rng: Random) -> list[str]:
    given = problem.question.split()[1:-1]
    orders = dict.fromkeys([problem.answer, " ".join(given)])
    while len(orders) < min(count, math.factorial(len(given))):
        orders.setdefault(" ".join(rng.sample(given, len(given))))
    return _shuffled(list(orders), rng)


def _join(values: Sequence[int]) -> str:
    return " ".join(map(str, values))


def _shuffled(candidates: list[str], rng: Random) -> list[str]:
    return rng.sample(candidates, len(candidates))
