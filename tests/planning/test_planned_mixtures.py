"""The ranks that mixtures may come to have."""

from pathlib import Path
from typing import Any

from flexmore.config.loading import load_study
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import find_mixture, find_sweep
from flexmore.planning.planned_mixtures import count_items, possible_in_sweep, possible_mixtures, tokens_per_item
from flexmore.suites.study_suite import tasks_of

PAPER = load_study(Path("config/paper.yaml"))
POCKET = load_study(Path("config/config.yaml"))


def test_a_selection_may_choose_any_rank_of_the_ladder() -> None:
    found = possible_mixtures(PAPER, sizes_of(PAPER), find_mixture(PAPER, "joint-a4-best"))
    assert [mixture.ranks[0] for mixture in found] == [2**step for step in range(13)] + [4096, 4096]
    assert all(len(mixture.ranks) == 6 for mixture in found)


def test_a_mixture_whose_ranks_are_known_is_itself() -> None:
    mixture = find_mixture(PAPER, "math-r16")
    assert possible_mixtures(PAPER, sizes_of(PAPER), mixture) == [mixture]


def test_a_rank_that_saturates_beyond_a_cut_store_is_full(study_of: Any) -> None:
    study = study_of(factors={"max_rank": 5}, controls=["random"])
    found = {
        mixture.name: mixture.ranks[0]
        for mixture in possible_in_sweep(study, sizes_of(study), find_sweep(study, "math"))
    }
    assert (found["math-r4"], found["math-r16"], found["math-r32"]) == (4, "full", "full")
    assert found["math-random"] == 16


def test_items_are_those_of_the_suites_index_up_to_the_limit() -> None:
    assert count_items(PAPER, tasks_of(PAPER)) == 47_314
    assert count_items(POCKET, tasks_of(POCKET)) == 9_720
    assert tokens_per_item(PAPER) == 1000
    assert tokens_per_item(POCKET) == 10
