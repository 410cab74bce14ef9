"""A sweep in parts: every evaluation is in one of them, whichever way it is cut."""

import shlex
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_suite import recipe

from flexmore.errors import FlexmoreError
from flexmore.evaluation.parts import SweepPart, parse_shard
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.recipe import Recipe

RECIPES = [recipe(1), recipe(2), recipe(64, "saturated"), recipe(128, "saturated")]
TASKS = [
    TaskInfo(f"{group}-{i}", group, None, "acc", "multiple_choice", 0, 10 + 400 * i)
    for group in ("MC9", "BBH")
    for i in range(4)
]


def covered(parts: list[SweepPart], recipes: list[Recipe], tasks: list[TaskInfo]) -> Counter[tuple[str, str]]:
    return Counter((r.fingerprint, t.task) for part in parts for r, t in part.select(recipes, tasks, None))


@given(st.integers(1, 30), st.lists(st.integers(1, 1000), min_size=1, max_size=12))
def test_shards_are_a_partition_of_about_equal_size(n: int, sizes: list[int]) -> None:
    tasks = [replace(TASKS[0], task=str(i), n=size) for i, size in enumerate(sizes)]
    shards = [SweepPart(shard=(i, n)) for i in range(1, n + 1)]
    assert covered(shards, RECIPES, tasks) == covered([SweepPart()], RECIPES, tasks)
    assert set(covered([SweepPart()], RECIPES, tasks).values()) == {1}
    most = max(sum(t.n for _, t in shard.select(RECIPES, tasks, None)) for shard in shards)
    assert most <= 3 * sum(sizes) / n + max(sizes)


def test_the_second_mixture_of_the_same_weights_has_nothing_to_do() -> None:
    assert SweepPart("math-r128").select(RECIPES, TASKS, None) == []
    assert len(SweepPart("math-r64", "BBH").select(RECIPES, TASKS, None)) == 4


def test_options_are_those_of_the_command_line() -> None:
    assert SweepPart("math-r1", "BBH").options == "--mixture math-r1 --group BBH"
    assert SweepPart(shard=parse_shard("2/8")).options == "--shard 2/8"
    assert SweepPart().options == ""


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3", "-1/2"])
def test_a_wrong_shard_is_named(text: str) -> None:
    with pytest.raises(FlexmoreError, match=r"--shard: found .*expected i/n"):
        parse_shard(text)


def test_an_unknown_mixture_or_group_is_named() -> None:
    with pytest.raises(FlexmoreError, match="--mixture: found 'math-r3'; allowed are math-r1, math-r2"):
        SweepPart("math-r3").select(RECIPES, TASKS, None)
    with pytest.raises(FlexmoreError, match="--group: found 'MMLU'; allowed are MC9, BBH"):
        SweepPart(group="MMLU").select(RECIPES, TASKS, None)


@pytest.mark.parametrize("group", ["MC9", "my group", "a & b", "it's", "$HOME"])
def test_options_are_quoted_for_a_shell(group: str) -> None:
    assert shlex.split(SweepPart("math-r1", group, (2, 8)).options) == [
        "--mixture", "math-r1", "--group", group, "--shard", "2/8",
    ]  # fmt: skip
