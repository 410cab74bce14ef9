"""The memory that each step takes: one model, for the plan, for what jobs request, and for warnings.

Tensors are counted from the sizes of the models. What Python and its libraries take beside them was measured on the
pocket study; `benchmarks/memory.py` compares both, at larger sizes too (docs/benchmarks.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.experts import PocketSource
from flexmore.config.study import Study
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.grid import Sweep, grid
from flexmore.mixtures.spreading import gpus_needed
from flexmore.mixtures.weight_bytes import SweepWeights, weigh_sweep
from flexmore.planning.disk import layer_bytes, tensor_bytes
from flexmore.planning.planned_mixtures import count_items, possible_in_sweep, tokens_per_item
from flexmore.planning.widths import (
    evaluated_dtype,
    evaluated_width,
    factors_dtype,
    stored_dtype,
    stored_width,
)

MIB, GB = 2**20, 10**9

LIBRARIES = {
    "acquire": 280 * MIB, "train": 640 * MIB, "factorize": 350 * MIB, "evaluate": 600 * MIB,
    "collect": 265 * MIB, "analyze": 275 * MIB, "draw": 290 * MIB,
}  # fmt: skip
"""What a step's process takes beside its tensors and tables, in bytes; measured."""

VALUE = {"collect": 95, "analyze": 95, "draw": 50}
"""Bytes that a step takes for each item of each mixture; measured."""

ITEM, TOKEN = 11_000, 12
"""Bytes of an item's requests in evaluation, and of each token of its prompt as text and as number."""

HALF, HALF_ROUTED = 100 * MIB, 300 * MIB
"""What compiled products in 16 bits take on a CPU, in bytes: where all experts are active, and where tokens choose
among them, so that products have many shapes; measured."""

MMAP_THRESHOLD = 32 * MIB
"""Bytes of a block from which glibc returns freed memory to the system at once; smaller blocks may stay."""

CUDA = 1000 * MIB
"""Host memory that CUDA's libraries and context take; not measured."""


@dataclass(frozen=True)
class Memory:
    """Hold the peak memory of a step, in bytes.

    Attributes:
        host: tensors and objects in the processor's memory.
        mapped: pages of files that the step reads through memory maps. They count as the process's memory; the system
            may drop them where memory is short.
        gpu: memory of the GPU, or of all GPUs together, where the step uses one.
    """

    host: int
    mapped: int
    gpu: int

    @property
    def resident(self) -> int:
        """Host memory with mapped pages, which is what `ps`, Snakemake and many schedulers call a process's memory."""
        return self.host + self.mapped


def acquire_memory(study: Study, sizes: ModelSizes) -> Memory:
    """Return the memory of acquiring an expert: of training it, or of reading its tensors one by one."""
    if isinstance(study.experts["public"], PocketSource):
        return Memory(LIBRARIES["train"] + 4 * tensor_bytes(sizes, 2, 4), 0, 0)
    width = stored_width(study)
    largest = max(sizes.vocabulary, sizes.ffn) * sizes.hidden * width
    return Memory(LIBRARIES["acquire"] + largest, tensor_bytes(sizes, 2, width), 0)


def factorize_memory(study: Study, sizes: ModelSizes) -> Memory:
    """Return the memory of factorizing an expert: one projection in fp64, the factors of a layer.

    A projection [n, m] takes three matrices of its shape and four of n x n: its delta, the Gram matrix, eigenvectors
    with the solver's workspace, the products. Deltas that pass in fp32 take half of that; where they do not, what was
    tried in fp32 may stay if it is small.
    """
    work = 8 * (3 * sizes.hidden * sizes.ffn + 4 * sizes.saturation**2)
    tried = work // 2 if 8 * sizes.hidden * sizes.ffn < MMAP_THRESHOLD else 0
    mapped = 2 * sizes.full_expert * stored_width(study)
    return Memory(LIBRARIES["factorize"] + work + tried + layer_bytes(study, sizes), mapped, work)


def tables_memory(study: Study, tasks: Sequence[TaskInfo], step: str) -> Memory:
    """Return the memory of a step that holds the value of every item of every mixture.

    Args:
        step: collect, analyze or draw.
    """
    return Memory(LIBRARIES[step] + VALUE[step] * len(grid(study)) * count_items(study, tasks), 0, 0)


def sweep_weights(study: Study, sizes: ModelSizes, sweep: Sweep) -> SweepWeights:
    """Return what the weights of a sweep take in evaluation, whatever ranks a selection will choose."""
    return weigh_sweep(sizes, possible_in_sweep(study, sizes, sweep), evaluated_width(study))


def evaluate_memory(
    study: Study, sizes: ModelSizes, sweep: Sweep, tasks: Sequence[TaskInfo], *, on_gpu: bool
) -> Memory:
    """Return the memory of evaluating a sweep: its weights, one batch, and the requests of all tasks.

    Args:
        on_gpu: whether the weights go to a GPU; the host then holds one projection of a mixture at a time.
    """
    weights, stored = sweep_weights(study, sizes, sweep), stored_width(study)
    batch = batch_bytes(study, sizes, tasks)
    requests = round(count_items(study, tasks) * (ITEM + TOKEN * tokens_per_item(study)))
    host = LIBRARIES["evaluate"] + requests + (CUDA if on_gpu else batch)
    if not sweep.experts:  # transformers loads the public model by itself
        return Memory(host + weights.shared, 0, weights.total + batch)
    mapped = (weights.shared + weights.full) // evaluated_width(study) * stored
    if weights.adapted:  # each expert's checkpoint holds public weights of its own, which its adapter is added to
        host += 2 * 4 * sizes.hidden * sizes.ffn
        mapped += (len(sweep.experts) - 1) * sizes.full_expert * stored
    if not on_gpu:
        host += weights.shared + _experts_on_cpu(study, sizes, sweep, weights)
        mapped += weights.factors if factors_dtype(study) == evaluated_dtype(study) else 0
    return Memory(host, mapped, weights.total + batch)


def _experts_on_cpu(study: Study, sizes: ModelSizes, sweep: Sweep, weights: SweepWeights) -> int:
    """Return the bytes that experts take on a CPU beside the files that stay mapped.

    Adapters that run dense are merged, and weights in another dtype than that of evaluation are converted.
    """
    dtype = evaluated_dtype(study)
    held = weights.adapted
    held += weights.full if stored_dtype(study) != dtype else 0
    held += weights.factors if factors_dtype(study) != dtype else 0
    if evaluated_width(study) < 4:
        held += HALF_ROUTED if any(mixture.active <= len(sweep.experts) for mixture in sweep.mixtures) else HALF
        if 4 * sizes.hidden * sizes.ffn < MMAP_THRESHOLD:  # merged in fp32; what that took stays
            held += weights.adapted
    return held


def batch_bytes(study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo]) -> int:
    """Return the bytes of one batch in evaluation: keys and values of all layers, a layer's activations.

    A batch holds `evaluate.batch_tokens`, or all of a task where that is less.
    """
    longest = max((count_items(study, [task]) for task in tasks), default=0) * tokens_per_item(study)
    tokens = min(study.evaluate.batch_tokens, round(longest)) if tasks else study.evaluate.batch_tokens
    keys = 2 * sizes.head_width * sizes.key_value_heads * sizes.layers
    return tokens * evaluated_width(study) * (keys + 6 * sizes.ffn)


def count_gpus(study: Study, sizes: ModelSizes, sweep: Sweep) -> int | None:
    """Return how many GPUs of `evaluate.gpu_memory` hold a sweep's weights; None where `evaluate.max_gpus` do not.

    One where that memory is not stated, and with vLLM, which has its own way of using GPUs. Mixtures spread over
    several GPUs with `device: auto` alone; the public model is always on one.
    """
    settings = study.evaluate
    if settings.gpu_memory is None or settings.engine != "own":
        return 1
    most = settings.max_gpus if settings.device == "auto" and sweep.experts else 1
    return gpus_needed(sweep_weights(study, sizes, sweep), int(settings.gpu_memory * GB), range(1, most + 1))
