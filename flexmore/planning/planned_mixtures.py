"""A study's mixtures as they are planned: sizes, ranks that selections may choose, items."""

from collections.abc import Sequence
from dataclasses import replace

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.evaluation import HourJobs
from flexmore.config.mixtures import Rank
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.evaluation.suite import TaskInfo
from flexmore.experts.study_sizes import sizes_of
from flexmore.mixtures.grid import Mixture, Sweep
from flexmore.mixtures.parameters import effective_rank

_SEVEN_BILLION = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)


def planned_sizes(study: Study) -> ModelSizes:
    """Return the sizes of a study's models; those of a 7B model where only the hub knows them."""
    try:
        return sizes_of(study)
    except FlexmoreError:
        return _SEVEN_BILLION


def stored_rank(study: Study, sizes: ModelSizes) -> int:
    """Return how many components a factor store holds."""
    return min(sizes.saturation, study.factors.max_rank or sizes.saturation)


def possible_mixtures(study: Study, sizes: ModelSizes, mixture: Mixture) -> list[Mixture]:
    """Return a mixture with every set of ranks that it may come to have.

    That is the mixture itself, or, where a selection has yet to choose its ranks, one mixture for each rank of the
    ladder, the same for all experts. A rank that saturates beyond a store that was cut is `full`.
    """
    held = stored_rank(study, sizes)

    def available(rank: Rank) -> Rank:
        rank = effective_rank(rank, sizes)
        cut = rank != "full" and held < rank == sizes.saturation and mixture.kind != "control"
        return "full" if cut else rank

    choices = [(rank,) * len(mixture.experts) for rank in study.ladder] if mixture.selected else [mixture.ranks]
    return [replace(mixture, ranks=tuple(available(rank) for rank in ranks)) for ranks in choices]


def possible_in_sweep(study: Study, sizes: ModelSizes, sweep: Sweep) -> list[Mixture]:
    """Return all that `possible_mixtures` finds for the mixtures of a sweep."""
    return [found for mixture in sweep.mixtures for found in possible_mixtures(study, sizes, mixture)]


def count_items(study: Study, tasks: Sequence[TaskInfo]) -> int:
    """Return how many items of these tasks one mixture is evaluated on."""
    limit = study.evaluate.limit
    return sum(task.n if limit is None else min(task.n, limit) for task in tasks)


def tokens_per_item(study: Study) -> float:
    """Return the tokens of an item's prompt and answer: as `evaluate.jobs` states them, else about what they are.

    The pocket's items have 7 to 15 (counted); five-shot prompts have roughly a thousand.
    """
    if isinstance(study.evaluate.jobs, HourJobs):
        return study.evaluate.jobs.tokens_per_item
    return 10.0 if study.suite.source == "pocket" else 1000.0
