"""The bytes that a study takes on disk: experts, factors, results."""

import json
import shutil
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from flexmore.architectures.sizes import ModelSizes
from flexmore.architectures.tensor_names import PROJECTIONS
from flexmore.config.experts import FolderSource, HubSource
from flexmore.config.study import Study
from flexmore.evaluation.suite import TaskInfo
from flexmore.files import read_json
from flexmore.mixtures.grid import distinct_mixtures, grid
from flexmore.planning.planned_mixtures import count_items, stored_rank
from flexmore.planning.widths import BYTES, factors_dtype, stored_width

_RESULT, _ITEM = 410, 4.2
"""Bytes of a result and of each item in it, as in the score cache."""

_SAFETENSORS = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def tensor_bytes(sizes: ModelSizes, experts: int, width: int) -> int:
    """Return the bytes of a checkpoint's tensors: a dense model's for one expert, with routers for more."""
    routers = sizes.layers * sizes.hidden * experts if experts > 1 else 0
    return (sizes.backbone + experts * sizes.full_expert + routers) * width


def layer_bytes(study: Study, sizes: ModelSizes) -> int:
    """Return the bytes of one layer's file in a factor store, its header included."""
    rank, hidden, ffn, dtype = stored_rank(study, sizes), sizes.hidden, sizes.ffn, factors_dtype(study)
    tensors = []
    for projection in PROJECTIONS:
        columns, rows = (ffn, hidden) if projection == "down_proj" else (hidden, ffn)
        tensors += [
            (f"{projection}.a", dtype, (rank, columns)),
            (f"{projection}.b", dtype, (rank, rows)),
            (f"{projection}.s", "float32", (sizes.saturation,)),
        ]
    return _file_bytes(tensors, {"fingerprint": "0" * 32, "rank": str(rank)})


def _file_bytes(tensors: Sequence[tuple[str, str, tuple[int, ...]]], metadata: dict[str, str]) -> int:
    """Return the bytes of a safetensors file: the header's length in eight, the header padded to eight, the tensors."""
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, dtype, shape in sorted(tensors, key=lambda tensor: (-BYTES[tensor[1]], tensor[0])):
        end = offset + BYTES[dtype] * prod(shape)
        header[name] = {"dtype": _SAFETENSORS[dtype], "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = len(json.dumps(header, separators=(",", ":")))
    return 8 + text + -text % 8 + offset


def score_bytes(evaluations: int, items: float) -> int:
    """Return about what results take, in the cache and again in `scores/`.

    Args:
        evaluations: number of mixtures times tasks.
        items: mean number of items of a task.
    """
    return 2 * round(evaluations * (_RESULT + _ITEM * items))


def plan_disk(study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo], on_hub: Mapping[str, int]) -> dict[str, Any]:
    """Return the bytes of experts, factors and results, what of them is not here yet, and the free space.

    Args:
        on_hub: bytes of experts' repositories, from `ask_hub`; may be empty.
    """
    layer = layer_bytes(study, sizes)
    folders = [study.paths.factors(name) for name in study.names]
    here = sum(1 for folder in folders for _ in folder.glob("layer-*.safetensors"))
    evaluations = len(distinct_mixtures(grid(study), sizes)) * len(tasks)
    scores = score_bytes(evaluations, count_items(study, tasks) / len(tasks))
    experts = [_expert(study, sizes, name, on_hub) for name in study.experts]
    factors = {"layer": layer, "total": layer * sizes.layers * len(study.names), "layers_here": here}
    needed = sum(entry["to_fetch"] for entry in experts) + factors["total"] - here * layer + scores
    return {
        "acquire": experts,
        "factors": factors,
        "scores_about": scores,
        "disk": {"needed": needed, "free": shutil.disk_usage(_existing(study.paths.root)).free},
    }


def _expert(study: Study, sizes: ModelSizes, name: str, on_hub: Mapping[str, int]) -> dict[str, Any]:
    """Return the bytes of an expert's files: those that are here, those that the hub states, or its tensors'."""
    source, folder = study.experts[name], study.paths.expert(name)
    content = read_json(folder / "source.json") if (folder / "source.json").is_file() else None
    if content is not None:
        size, known = sum(entry["size"] for entry in content["files"].values()), "here"
    elif name in on_hub:
        size, known = on_hub[name], "hub"
    else:
        size, known = tensor_bytes(sizes, 1 if name == "public" else 2, stored_width(study)), "tensors"
    linked = isinstance(source, FolderSource)
    where = source.repo if isinstance(source, HubSource) else source.source
    return {"expert": name, "from": where, "bytes": size, "known": known, "to_fetch": 0 if content or linked else size}


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
