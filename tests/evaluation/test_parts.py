"""A sweep in parts: every evaluation is in one of them, whichever way it is cut."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_suite import recipe

from flexmore.config.evaluation import EvaluateSettings, HourJobs
from flexmore.errors import FlexmoreError
from flexmore.evaluation.parts import SweepPart, hours, parse_shard, parts_of
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.grid import Sweep
from flexmore.mixtures.recipe import Recipe

RECIPES = [recipe(1), recipe(2), recipe(64, "saturated"), recipe(128, "saturated")]
TASKS = [
    TaskInfo(f"{group}-{i}", group, None, "acc", "multiple_choice", 0, 10 + 400 * i)
    for group in ("MC9", "BBH")
    for i in range(4)
]
SWEEP = Sweep("math", ("math",), tuple(recipe.mixture for recipe in RECIPES))


def covered(parts: list[SweepPart], recipes: list[Recipe], tasks: list[TaskInfo]) -> Counter[tuple[str, str]]:
    return Counter((r.fingerprint, t.task) for part in parts for r, t in part.of(recipes, tasks, None))


@given(st.integers(1, 30), st.lists(st.integers(1, 1000), min_size=1, max_size=12))
def test_shards_are_a_partition_of_about_equal_size(n: int, sizes: list[int]) -> None:
    tasks = [replace(TASKS[0], task=str(i), n=size) for i, size in enumerate(sizes)]
    shards = [SweepPart(shard=(i, n)) for i in range(1, n + 1)]
    assert covered(shards, RECIPES, tasks) == covered([SweepPart()], RECIPES, tasks)
    assert set(covered([SweepPart()], RECIPES, tasks).values()) == {1}
    most = max(sum(t.n for _, t in shard.of(RECIPES, tasks, None)) for shard in shards)
    assert most <= 3 * sum(sizes) / n + max(sizes)


@pytest.mark.parametrize(
    ("jobs", "number"),
    [("sweep", 0), ("mixture", 4), ("mixture-group", 8), (HourJobs(hours=1, tokens_per_second=1000), 5)],
)
def test_jobs_cover_a_sweep(jobs: Any, number: int) -> None:
    found = parts_of(SWEEP, TASKS, EvaluateSettings(jobs=jobs, limit=1000))
    assert len(found) == number  # of the hours: 17,840 items of 1000 tokens are 4.96 of them
    assert covered(list(found.values()) or [SweepPart()], RECIPES, TASKS) == covered([SweepPart()], RECIPES, TASKS)


def test_what_one_job_does_is_not_cut() -> None:
    public = Sweep("public", (), (RECIPES[0].mixture,))
    for jobs in ("mixture", HourJobs()):
        assert parts_of(public, TASKS, EvaluateSettings(jobs=jobs)) == {}


def test_the_second_mixture_of_the_same_weights_has_nothing_to_do() -> None:
    assert SweepPart("math-r128").of(RECIPES, TASKS, None) == []
    assert len(SweepPart("math-r64", "BBH").of(RECIPES, TASKS, None)) == 4


def test_hours_are_tokens_by_the_stated_speed() -> None:
    assert hours(7200.0, HourJobs(tokens_per_second=2.0)) == 1.0


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
        SweepPart("math-r3").of(RECIPES, TASKS, None)
    with pytest.raises(FlexmoreError, match="--group: found 'MMLU'; allowed are MC9, BBH"):
        SweepPart(group="MMLU").of(RECIPES, TASKS, None)
