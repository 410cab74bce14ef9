"""What a configuration will do and what it takes, as one mapping for programs and people."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import psutil

from flexmore.architectures.sizes import ModelSizes
from flexmore.config.study import Study
from flexmore.evaluation.suite import TaskInfo
from flexmore.mixtures.grid import count_kinds, distinct_mixtures, grid, sweeps
from flexmore.planning.disk import plan_disk
from flexmore.planning.memory import MIB, Memory, acquire_memory, count_gpus, evaluate_memory, factorize_memory
from flexmore.planning.requests import gpu_shortage, request_acquire, request_evaluate, request_factorize
from flexmore.planning.sweep_cutting import cut_sweep
from flexmore.planning.time import SweepHours, TokenSeconds, factorize_hours, stated_hours, timed_hours


def plan(
    study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo], on_hub: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return what a study consists of and what it takes: mixtures, tasks, jobs, bytes of disk and memory, hours.

    Args:
        on_hub: bytes of experts' repositories, as the hub states them (`flexmore.planning.downloads`).
    """
    mixtures = grid(study)
    kinds = count_kinds(mixtures)
    groups: dict[str, int] = {}
    for task in tasks:
        groups[task.group] = groups.get(task.group, 0) + 1
    rows = sum(number for kind, number in kinds.items() if kind != "control") * len(tasks)
    return {
        "family": study.family,
        "results": str(study.paths.root),
        "experts": len(study.names),
        "sizes": {"hidden": sizes.hidden, "ffn": sizes.ffn, "layers": sizes.layers},
        "saturation": sizes.saturation,
        "study": kinds.get("pair", 0) + kinds.get("joint", 0),
        "mixtures": kinds,
        "distinct": len(distinct_mixtures(mixtures, sizes)),
        "tasks": groups,
        "rows": rows,
        "jobs": {
            "acquire": len(study.experts),
            "factorize": len(study.names),
            "evaluate": len(sweeps(study)),
        },
        **plan_disk(study, sizes, tasks, on_hub or {}),
        "memory": _memory(study, sizes, tasks),
        "gpus": _gpus(study, sizes),
        "requests": _requests(study, tasks),
        "hours": _hours(study, sizes, tasks),
    }


def time_plan(
    study: Study,
    sizes: ModelSizes,
    tasks: Sequence[TaskInfo],
    tokens: Mapping[str, Mapping[str, int]],
    speed: Mapping[str, TokenSeconds],
    device: str,
    start: float,
) -> dict[str, Any]:
    """Return a plan's hours with counted tokens and the timed speed of a device.

    Args:
        tokens: of each task group (`flexmore.evaluation.tokens.count_tokens`).
        speed: of each sweep.
        device: its name.
        start: seconds until a job has its libraries and tasks.
    """
    hours = {
        sweep.name: timed_hours(
            sizes, sweep, tasks, len(cut_sweep(study, sweep, tasks)) or 1, tokens, speed[sweep.name], start
        )
        for sweep in sweeps(study)
    }
    return {"tokens": tokens, "timed": {"device": device, "evaluate": _as_numbers(hours)}}


def _memory(study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo]) -> dict[str, Any]:
    """Return the peak memory of the steps, in bytes; of evaluation each sweep's."""
    here, device = _gpu_bytes(), study.evaluate.device
    on_gpu = device != "cpu" and (device != "auto" or here is not None or study.evaluate.gpu_memory is not None)
    steps: dict[str, Memory] = {"acquire": acquire_memory(study, sizes), "factorize": factorize_memory(study, sizes)}
    for sweep in sweeps(study):
        steps[f"evaluate {sweep.name}"] = evaluate_memory(study, sizes, sweep, tasks, on_gpu=on_gpu)
    return {
        "steps": {name: asdict(memory) for name, memory in steps.items()},
        "on_gpu": on_gpu,
        "host": psutil.virtual_memory().total,
        "gpu": here,
    }


def _gpus(study: Study, sizes: ModelSizes) -> dict[str, Any]:
    """Return the stated memory of a GPU, and how many each sweep takes; None where unknown, or where it fits none."""
    stated = study.evaluate.gpu_memory
    known = stated is not None and study.evaluate.device != "cpu"
    return {
        "gpu_memory": stated,
        "sweeps": {sweep.name: count_gpus(study, sizes, sweep) if known else None for sweep in sweeps(study)},
        "shortage": gpu_shortage(study),
    }


def _requests(study: Study, tasks: Sequence[TaskInfo]) -> dict[str, dict[str, int]]:
    """Return what jobs request from a scheduler at the first attempt."""
    found = {"acquire": request_acquire(study), "factorize": request_factorize(study)}
    found |= {f"evaluate {sweep.name}": request_evaluate(study, sweep, tasks) for sweep in sweeps(study)}
    return {name: asdict(request) for name, request in found.items()}


def _hours(study: Study, sizes: ModelSizes, tasks: Sequence[TaskInfo]) -> dict[str, Any]:
    """Return hours by the stated speeds: of factorizing an expert, of each sweep."""
    hours = {sweep.name: stated_hours(study, sizes, sweep, tasks) for sweep in sweeps(study)}
    return {"factorize": factorize_hours(sizes), "evaluate": _as_numbers(hours)}


def _as_numbers(hours: Mapping[str, SweepHours]) -> dict[str, dict[str, float]]:
    return {name: {"least": found.least, "most": found.most} | asdict(found) for name, found in hours.items()}


def _gpu_bytes() -> int | None:
    """Return the memory of this machine's smallest GPU in bytes; None where it has none."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    if shutil.which(command[0]) is None:
        return None
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return min((int(word) for word in printed if word.isdigit()), default=0) * MIB or None
