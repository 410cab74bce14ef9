"""What a job of the study asks of a machine, from the sizes of its models: memory and time, as pure functions.

Rules ask for these, times the attempt: a job that was killed for memory or time comes back with more, and goes on from
the cache. Memory begins with what Snakemake, twice in a job, Python and torch take before any work; the pocket family's
jobs live on that alone where SLURM kills those that take more (tests/slurm/).
"""

import math

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.experts import HubSource
from flexmore.config.study import Study
from flexmore.errors import FlexmoreError
from flexmore.experts.sizes import sizes_of
from flexmore.mixtures.grid import Sweep

BASE_MB = 1500
"""Of a job that loads torch, before it loads a model."""

DAY = 24 * 60
"""Minutes. No job asks for more: it is cut off, and its retry goes on from the cache."""

FLOPS = 1e14
"""Operations a second that evaluation is taken to reach; a low guess for one large GPU, not measured."""

TOKENS = 1000
"""Of one item with its examples: the paper's five-shot prompts, roughly."""

_UNKNOWN = ModelSizes(hidden=4096, ffn=11008, layers=32, vocabulary=100352, heads=32, key_value_heads=32)


def sizes(study: Study) -> ModelSizes:
    """The sizes of a study's models; those of a 7B model where they are on the hub alone and nobody states them."""
    try:
        return sizes_of(study)
    except FlexmoreError:
        return _UNKNOWN


def acquire_mb(study: Study) -> int:
    """Memory of acquiring an expert, in MB: tensors are checked one at a time, the embeddings are the largest."""
    model = sizes(study)
    return BASE_MB + _mb(4 * model.vocabulary * model.hidden * _bytes(study))


def factorize_mb(study: Study) -> int:
    """Memory of factorizing an expert, in MB: one projection at a time, with its Gram matrix, in fp64 at worst."""
    model = sizes(study)
    return 2 * BASE_MB + _mb(8 * model.hidden * model.ffn * 8)


def evaluate_mb(study: Study, sweep: Sweep) -> int:
    """Host memory of evaluating a sweep, in MB: every weight passes through it, dense and factored, on its way."""
    model = sizes(study)
    weights = model.backbone + model.full_expert * (1 + len(sweep.experts))
    held = weights if study.evaluate.device != "cpu" else weights + model.full_expert * len(sweep.experts)
    return 2000 + _mb(1.25 * held * _bytes(study))


def tables_mb(study: Study, mixtures: int) -> int:
    """Memory of a step that holds the value of every item of all tasks, in MB."""
    return BASE_MB + _mb(200 * mixtures * _items(study))


def factorize_minutes(study: Study) -> int:
    """Time of factorizing an expert: cubic in the short side, on one CPU core at 1e10 operations a second."""
    model = sizes(study)
    operations = 3 * model.layers * 20 * model.saturation**2 * max(model.hidden, model.ffn)
    return min(DAY, 60 + math.ceil(operations / 1e10 / 60))


def evaluate_minutes(study: Study, sweep: Sweep, parts: int = 1) -> int:
    """Time of one of so many parts of a sweep, of half a day at most: what is cut off there goes on in the retry."""
    model = sizes(study)
    active = model.backbone + model.full_expert * max((mixture.active for mixture in sweep.mixtures), default=1)
    seconds = len(sweep.mixtures) * _items(study) * TOKENS * 2 * active / FLOPS
    return min(DAY // 2, 120 + math.ceil(seconds / 60 / parts))


def grown(minutes: int, attempt: int) -> int:
    """Minutes for an attempt (1, 2 ...): more each time, a day at most."""
    return min(DAY, minutes * attempt)


def _items(study: Study) -> int:
    """Items of all tasks at most: the pocket's are known, others have `evaluate.limit`, or 1000 each."""
    each = study.pocket.items if study.suite.source == "pocket" else study.evaluate.limit or 1000
    return each * (len(study.suite.tasks) if study.suite.tasks else 120)


def _bytes(study: Study) -> int:
    """Of one weight: what the hub has is bf16."""
    if study.evaluate.dtype == "checkpoint":
        return 2 if isinstance(study.experts["public"], HubSource) else 4
    return 4 if study.evaluate.dtype == "float32" else 2


def _mb(count: float) -> int:
    return math.ceil(count / 2**20)
