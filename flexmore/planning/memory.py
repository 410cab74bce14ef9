"""What a study takes of disks and memory, from the sizes of its models alone.

Bytes on disk are exact. Memory is what the large tensors of a step take beside what its libraries take by themselves;
it was compared with measured peaks on tiny models, where only the libraries count, and on one layer of the paper's
shapes (tests/test_footprint.py, tests/test_true_shapes.py). That of a GPU was not: there was none.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from flexmore.architectures.names import PROJECTIONS
from flexmore.architectures.sizes import ModelSizes
from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.files import read_json
from flexmore.mixtures.dense import DENSE_LIMIT, dense_experts
from flexmore.mixtures.grid import Mixture, Sweep
from flexmore.mixtures.parameters import effective_rank

MIB = 1 << 20
LIBRARIES = {"acquire": 260 * MIB, "factorize": 335 * MIB, "evaluate": 620 * MIB, "analyze": 420 * MIB}
"""What a step's process takes before its tensors: measured on the pocket and the rehearsal."""
_SIZES = {"float32": 4, "float16": 2, "bfloat16": 2}
_SCORE, _ITEM = 410, 4.2  # bytes of a result and of each item in it, as in the score cache


@dataclass(frozen=True)
class Memory:
    """Peak memory of a step, in bytes.

    Attributes:
        host: of the processor, tensors that are mapped from files not counted.
        mapped: of those, what the step reads; the system keeps it while there is room and can do without.
        gpu: of the device, where the step uses one.
    """

    host: int
    mapped: int
    gpu: int


def itemsize(study: Study) -> int:
    """Bytes of one number of a checkpoint: what its config.json states where it is here; the hub's are bf16."""
    source = study.experts["public"]
    folder = Path(source.path) if isinstance(source, FolderSource) else study.paths.expert("public")
    if (folder / "config.json").is_file():
        stated = read_json(folder / "config.json")
        return _SIZES[str(stated.get("dtype") or stated.get("torch_dtype") or "float32")]
    return 2 if isinstance(source, HubSource) else 4


def tensor_bytes(sizes: ModelSizes, experts: int, size: int) -> int:
    """Bytes of a checkpoint's tensors: dense for one expert, with routers for more."""
    routers = sizes.layers * sizes.hidden * experts if experts > 1 else 0
    return (sizes.backbone + experts * sizes.full_expert + routers) * size


def stored_rank(study: Study, sizes: ModelSizes) -> int:
    """How many components a factor store holds."""
    return min(sizes.saturation, study.factors.max_rank or sizes.saturation)


def layer_bytes(study: Study, sizes: ModelSizes) -> int:
    """Bytes of one layer's file in a factor store, its header included."""
    rank, hidden, ffn = stored_rank(study, sizes), sizes.hidden, sizes.ffn
    size = itemsize(study) if study.factors.dtype == "checkpoint" else _SIZES[study.factors.dtype]
    name = {2: "BF16" if study.factors.dtype != "float16" else "F16", 4: "F32"}[size]
    tensors = []
    for projection in PROJECTIONS:
        wide, tall = (ffn, hidden) if projection == "down_proj" else (hidden, ffn)
        tensors += [
            (f"{projection}.a", name, size, (rank, wide)),
            (f"{projection}.b", name, size, (rank, tall)),
            (f"{projection}.s", "F32", 4, (sizes.saturation,)),
        ]
    return _file_bytes(tensors, {"fingerprint": "0" * 32, "rank": str(rank)})


def _file_bytes(tensors: Sequence[tuple[str, str, int, tuple[int, ...]]], metadata: dict[str, str]) -> int:
    """Bytes of a safetensors file: eight of length, a header padded to eight, the tensors, the widest type first."""
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, dtype, size, shape in sorted(tensors, key=lambda tensor: (-tensor[2], tensor[0])):
        end = offset + size * prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = len(json.dumps(header, separators=(",", ":")))
    return 8 + text + -text % 8 + offset


def score_bytes(evaluations: int, items: float) -> int:
    """About what results take, in the cache and again in scores/.

    Args:
        items: of a task, on the mean.
    """
    return 2 * round(evaluations * (_SCORE + _ITEM * items))


def factorize_memory(study: Study, sizes: ModelSizes) -> Memory:
    """Of factorizing an expert: one projection in fp32 four times over, the factors of a layer."""
    work = 4 * 4 * sizes.hidden * sizes.ffn
    layer = layer_bytes(study, sizes)
    mapped = 2 * len(PROJECTIONS) * sizes.hidden * sizes.ffn * itemsize(study)
    return Memory(LIBRARIES["factorize"] + work + layer, mapped, work)


def acquire_memory(study: Study, sizes: ModelSizes, experts: int) -> Memory:
    """Of checking a checkpoint: its largest tensor as it is hashed; the rest is mapped."""
    size = itemsize(study)
    largest = max(sizes.vocabulary, sizes.ffn) * sizes.hidden * size
    return Memory(LIBRARIES["acquire"] + largest, tensor_bytes(sizes, experts, size), 0)


def evaluate_memory(study: Study, sizes: ModelSizes, sweep: Sweep) -> Memory:
    """Of evaluating a sweep: the weights that its costliest moment holds, and one batch with its key-value cache.

    On a CPU full experts and factors stay mapped; saturated adapters that run dense are made, beside what is mapped.
    """
    read = itemsize(study)
    size = read if study.evaluate.dtype == "checkpoint" else _SIZES[study.evaluate.dtype]
    experts = len(sweep.experts)
    shared = tensor_bytes(sizes, 1, size) + sizes.layers * sizes.hidden * (experts + 1) * size
    dense = experts * sizes.full_expert * size
    adapted = _dense_ranks(sizes, sweep)
    factors = experts * sizes.per_rank * _factored_rank(sizes, sweep) * size
    full = any("full" in mixture.ranks for mixture in sweep.mixtures)
    kept = (len(adapted) + full) * dense
    held = max(min(kept, dense), min(kept, DENSE_LIMIT))
    batch = _batch_bytes(study, sizes, size)
    host = LIBRARIES["evaluate"] + shared + (dense if adapted else 0) + batch
    mapped = tensor_bytes(sizes, 1, read) + factors + (dense if full else 0)
    return Memory(host, mapped, shared + factors + held + batch)


def _dense_ranks(sizes: ModelSizes, sweep: Sweep) -> set[int]:
    """The adapters' effective ranks at which every expert runs dense."""
    found = set()
    for mixture in sweep.mixtures:
        rank = _uniform(sizes, mixture)
        if rank is not None and rank not in (0, "full") and _dense(sizes, mixture, int(rank)):
            found.add(int(rank))
    return found


def _factored_rank(sizes: ModelSizes, sweep: Sweep) -> int:
    """The highest rank that runs as a correction; where a selection will choose, any that could."""
    ranks = [0]
    for mixture in sweep.mixtures:
        if mixture.selected:
            ranks.append(sizes.hidden * sizes.ffn // (sizes.hidden + sizes.ffn))
            continue
        rank = _uniform(sizes, mixture)
        if rank is not None and rank != "full" and not _dense(sizes, mixture, int(rank)):
            ranks.append(int(rank))
    return max(ranks)


def _uniform(sizes: ModelSizes, mixture: Mixture) -> int | str | None:
    return effective_rank(mixture.ranks[0], sizes) if mixture.ranks else None


def _dense(sizes: ModelSizes, mixture: Mixture, rank: int) -> bool:
    ranks = (None, *[rank] * len(mixture.experts))
    return bool(dense_experts(ranks, mixture.active, sizes.hidden, sizes.ffn))


def _batch_bytes(study: Study, sizes: ModelSizes, size: int) -> int:
    """Of one batch: a layer's activations, keys and values of all layers."""
    tokens = study.evaluate.batch_tokens
    keys = 2 * sizes.hidden // sizes.heads * sizes.key_value_heads * sizes.layers
    return tokens * size * (keys + 6 * sizes.ffn)
